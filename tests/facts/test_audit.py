"""A record of a decision is counted by the different things it says, and by whether it lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from readiness.facts.records.records import Records

Keep = Callable[[Mapping[str, str]], Records]


APP = """\
import logging
from datetime import datetime, timezone

from fastapi import FastAPI
from openai import OpenAI
from pymongo import MongoClient

app = FastAPI()
client = OpenAI(timeout=30)
records = MongoClient("mongodb://db").app.decisions
MODEL = "gpt-4o-2024-08-06"


@app.post("/ask")
def ask(question: str, user_id: str) -> str:
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": question}])
    text = answer.choices[0].message.content or ""
    HERE
    return text
"""


def app(line: str) -> dict[str, str]:
    return {"app.py": APP.replace("HERE", line)}


def test_a_document_says_what_its_fields_say(keep: Keep) -> None:
    who = '"at_time": datetime.now(timezone.utc), "user_id": user_id'
    line = f'records.insert_one({{{who}, "model": MODEL, "prompt": question, "answer": text}})'
    [record] = keep(app(line)).audits
    assert record.says == ("time", "actor", "model", "prompt", "output")
    assert record.durable and record.has_actor and record.has_model and record.reachable


def test_a_constant_is_no_actor(keep: Keep) -> None:
    [record] = keep(
        app('records.insert_one({"user_id": "api_user", "model": MODEL, "prompt": question, "answer": text})')
    ).audits
    assert not record.has_actor and record.constant_actor
    assert record.lacks == "it says the same actor every time"


def test_a_row_that_says_nothing_of_the_decision_is_no_record_of_it(keep: Keep) -> None:
    assert keep(app('records.insert_one({"user_id": user_id, "endpoint": "/ask"})')).audits == []


def test_a_log_record_does_not_last_unless_its_logger_is_the_audit_log(keep: Keep) -> None:
    said = '{"user_id": user_id, "model": MODEL, "prompt": question, "answer": text}'
    line = f'logging.getLogger("NAME").info("x", extra={said})'
    [plain] = keep(app(line.replace("NAME", "app"))).audits
    assert not plain.durable
    [audit] = keep(app(line.replace("NAME", "audit"))).audits
    assert audit.durable and audit.count == 5


def test_a_record_that_the_browser_posts_can_be_forged(keep: Keep) -> None:
    files = app("pass")
    files["app.py"] += """

@app.post("/history")
def keep(user_id: str, question: str, answer: str, model: str) -> None:
    records.insert_one({"user_id": user_id, "model": model, "prompt": question, "answer": answer, "time": "now"})
"""
    records = keep(files).audits
    assert all(record.posted for record in records)


def test_tables_that_are_dropped_at_start_up_do_not_last(keep: Keep) -> None:
    text = """
    from fastapi import FastAPI
    from openai import OpenAI
    from sqlalchemy import Column, Integer, String, create_engine
    from sqlalchemy.orm import Session, declarative_base

    Base = declarative_base()
    engine = create_engine("postgresql://db")

    class Answer(Base):
        __tablename__ = "answers"
        id = Column(Integer, primary_key=True)
        user_id = Column(String)
        model = Column(String)
        prompt = Column(String)
        answer = Column(String)

    Base.metadata.drop_all(engine)
    app = FastAPI()
    client = OpenAI(timeout=30)

    @app.post("/ask")
    def ask(question: str, user_id: str) -> str:
        reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
        text = reply.choices[0].message.content
        with Session(engine) as session:
            session.add(Answer(user_id=user_id, model="m", prompt=question, answer=text))
            session.commit()
        return text
    """
    [wiped] = keep({"app.py": text}).audits
    assert not wiped.durable
    [kept] = keep({"app.py": text.replace("drop_all", "create_all")}).audits
    assert kept.durable and kept.count == 4


def test_a_trace_says_who_asked_only_where_it_is_told(keep: Keep) -> None:
    text = """
    from fastapi import FastAPI
    from langchain_openai import ChatOpenAI
    from langfuse.langchain import CallbackHandler

    app = FastAPI()
    model = ChatOpenAI(model="gpt-4o-2024-08-06")

    @app.post("/ask")
    def ask(question: str, user_id: str) -> str:
        config = {"callbacks": [CallbackHandler()], "KEY": {"langfuse_user_id": user_id}}
        return model.invoke(question, config=config).content
    """
    sample = {".env.example": "LANGFUSE_PUBLIC_KEY=\n"}
    [told] = keep({"app.py": text.replace("KEY", "metadata"), **sample}).audits
    assert told.vendor and told.has_actor and told.count == 6
    # A user id under `configurable` steers the graph; it never reaches the trace.
    [silent] = keep({"app.py": text.replace("KEY", "configurable"), **sample}).audits
    assert silent.vendor and not silent.has_actor


def test_a_store_of_a_framework_keeps_what_was_said(keep: Keep) -> None:
    text = """
    from fastapi import FastAPI
    from langchain_openai import ChatOpenAI
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.prebuilt import create_react_agent

    app = FastAPI()
    agent = create_react_agent(ChatOpenAI(model="m"), [], checkpointer=SqliteSaver.from_conn_string("FILE"))

    @app.post("/ask")
    def ask(question: str, thread: str) -> str:
        config = {"configurable": {"thread_id": thread}}
        return agent.invoke({"messages": [("user", question)]}, config)["messages"][-1].content
    """
    [history] = keep({"app.py": text.replace("FILE", "threads.db")}).audits
    assert history.sink == "history" and history.durable and not history.has_model
    assert keep({"app.py": text.replace("FILE", ":memory:")}).audits == []
