"""Feedback is what is kept of it, under the id of the answer it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.records.records import Records

Keep = Callable[[Mapping[str, str]], Records]


APP = """\
import json
from uuid import uuid4

from fastapi import FastAPI
from openai import OpenAI
from pymongo import MongoClient

app = FastAPI()
client = OpenAI(timeout=30)
db = MongoClient("mongodb://db").app


@app.post("/ask")
def ask(question: str) -> dict:
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
    return {"message_id": str(uuid4()), "answer": answer.choices[0].message.content}
"""
RATE = """

@app.post("/feedback")
def rate(ID: str, score: int) -> None:
    db.feedback.insert_one({"ID": ID, "score": score})
"""


def test_an_id_that_an_answer_gives_out_ties_feedback_to_it(keep: Keep) -> None:
    [tied] = keep({"app.py": APP + RATE.replace("ID", "message_id")}).feedback
    assert tied.id_field == "message_id" and tied.id_returned and tied.reachable
    [loose] = keep({"app.py": APP + RATE.replace("ID", "trace_id")}).feedback
    assert loose.has_id and not loose.id_returned


@pytest.mark.parametrize(
    "route",
    [
        '@app.post("/feedback")\ndef rate(message_id: str, score: int) -> dict:\n    return {"thanks": True}',
        '@app.post("/feedback")\ndef contact(name: str, email: str, subject: str) -> None:\n'
        '    db.contacts.insert_one({"name": name, "email": email, "subject": subject})',
        '@app.post("/orders")\ndef order(item_id: str, value: int) -> None:\n'
        '    db.orders.insert_one({"item_id": item_id, "value": value})',
    ],
)
def test_what_is_no_feedback(keep: Keep, route: str) -> None:
    assert keep({"app.py": f"{APP}\n\n{route}\n"}).feedback == []


def test_a_vendor_s_collector_keeps_feedback(keep: Keep) -> None:
    handler = "def thanks(said: dict) -> None:\n    trubrics.save(config, trubrics.collect(response=said))"
    route = f'@app.post("/thanks")\n{handler}'
    assert keep({"app.py": f"{APP}\nimport trubrics\n\n{route}\n"}).feedback != []


def test_a_line_of_a_file_keeps_feedback_too(keep: Keep) -> None:
    route = """

@app.post("/vote")
def vote(message_id: str, liked: bool) -> None:
    with open("votes.jsonl", "a") as file:
        file.write(json.dumps({"message_id": message_id, "liked": liked}) + "\\n")
"""
    [vote] = keep({"app.py": APP + route}).feedback
    assert vote.has_id


def test_a_row_that_is_read_changed_and_committed_keeps_feedback(keep: Keep) -> None:
    route = """
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class Message(Base):
    __tablename__ = "messages"
    id = Column(Integer, primary_key=True)
    content = Column(String)
    rating = Column(Integer)


@app.put("/messages/{message_id}")
def change(message_id: int, rating: int) -> None:
    with Session() as session:
        message = session.query(Message).filter(Message.id == message_id).first()
        message.rating = rating
        session.commit()
"""
    [rated] = keep({"app.py": APP + route}).feedback
    assert rated.text == "Message keeps feedback"


def test_the_frontend_of_the_repository_counts(keep: Keep) -> None:
    page = 'await supabase.from("feedback").insert({ message_id: id, score: 1 });\n'
    [found] = keep({"app.py": APP, "web/chat.ts": page}).feedback
    assert found.place.path == "web/chat.ts"


@pytest.mark.parametrize("flagging", ["", ', flagging_mode="never"'])
def test_an_interface_flags_unless_it_is_told_not_to(keep: Keep, flagging: str) -> None:
    text = f"""
    import gradio as gr
    from openai import OpenAI

    client = OpenAI(timeout=30)

    def ask(question: str) -> str:
        answer = client.chat.completions.create(model="m", messages=[{{"role": "user", "content": question}}])
        return answer.choices[0].message.content or ""

    gr.Interface(ask, "text", "text"{flagging}).launch()
    """
    assert bool(keep({"app.py": text}).feedback) is not bool(flagging)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "scripts/export.py",
            "from langsmith import Client\n\nclient = Client()\n\ndef main():\n    for one in client.list_feedback():\n"
            "        client.create_example(inputs={'id': one.run_id}, dataset_name='golden')\n",
        ),
        (
            ".github/ISSUE_TEMPLATE/answer.yml",
            "name: Wrong answer\ndescription: It said something false.\n",
        ),
    ],
)
def test_a_way_back_into_the_examples(keep: Keep, path: str, text: str) -> None:
    rate = RATE.replace("ID", "message_id")
    [open_end] = keep({"app.py": APP + rate}).feedback
    assert open_end.loop is None
    [closed] = keep({"app.py": APP + rate, path: text}).feedback
    assert closed.loop is not None and closed.loop.path == path


def test_how_an_answer_ended_is_no_judgement_of_its_reader(keep: Keep) -> None:
    told = """\
from fastapi import FastAPI
from openai import OpenAI
from sqlmodel import Field, Session, SQLModel, create_engine

app = FastAPI()
client = OpenAI(timeout=30)
engine = create_engine("sqlite:///answers.db")


class Answer(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    text: str
    COLUMN: str


@app.post("/ask")
def ask(question: str) -> str:
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
    text = answer.choices[0].message.content or ""
    with Session(engine) as session:
        session.add(Answer(text=text, COLUMN="answered"))
        session.commit()
    return text
"""
    assert keep({"app.py": told.replace("COLUMN", "outcome")}).feedback == []
    assert keep({"app.py": told.replace("COLUMN", "rating")}).feedback != []
