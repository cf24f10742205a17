"""What ends an agent: steps, time, tokens, or that there is no way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts
from readiness.facts.failures.loops import AgentLoop

Loops = Callable[[str], list[AgentLoop]]

HEAD = """
import asyncio, time
from agents import Agent, Runner, function_tool
from fastapi import FastAPI
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langchain_openai import ChatOpenAI
from openai import OpenAI
from swarm import Swarm
import swarm

app = FastAPI()
client = OpenAI(timeout=30)
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]

def weather(city: str) -> str:
    return "rain"
"""


@pytest.fixture
def loops(facts_of: Callable[[Mapping[str, str]], Facts]) -> Loops:
    """A function that gives the agent loops of a file."""
    return lambda source: facts_of({"app.py": HEAD + source}).agent_loops


def route(body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    return f"\n@app.post('/ask')\nasync def ask(question: str):\n    messages = [question]\n{lines}\n"


ASK = "answer = client.chat.completions.create(model='gpt-4o-2024-08-06', messages=messages, tools=TOOLS)"
STEP = (
    f"{ASK}\n    if not answer.choices[0].message.tool_calls:\n        return answer\n    messages.append(weather('x'))"
)


@pytest.mark.parametrize(
    ("loop", "explicit", "run_bound"),
    [
        (f"while True:\n    {STEP}", False, False),
        (f"for _ in range(8):\n    {STEP}", True, False),
        (f"steps = 0\nwhile steps < 8:\n    steps += 1\n    {STEP}", True, False),
        (f"steps = 0\nwhile True:\n    steps += 1\n    if steps > 8:\n        break\n    {STEP}", True, False),
        (
            "start = time.monotonic()\nfor _ in range(8):\n"
            f"    if time.monotonic() - start > 60:\n        break\n    {STEP}",
            True,
            True,
        ),
        (
            f"spent = 0\nfor _ in range(8):\n    {STEP}\n"
            "    spent += answer.usage.total_tokens\n    if spent > 5000:\n        break",
            True,
            True,
        ),
        (
            "async with asyncio.timeout(60):\n    for _ in range(8):\n"
            f"        {STEP.replace(chr(10), chr(10) + '    ')}",
            True,
            True,
        ),
    ],
    ids=["for-ever", "range", "while-counter", "break-counter", "clock", "tokens", "timeout"],
)
def test_loops_by_hand(loops: Loops, loop: str, explicit: bool, run_bound: bool) -> None:
    (found,) = loops(route(loop))
    assert (found.by_hand, found.ends, found.explicit, found.run_bound) == (True, False, explicit, run_bound)


def test_tools_without_a_loop_end_by_construction(loops: Loops) -> None:
    (found,) = loops(route(f"{ASK}\nreturn answer"))
    assert found.ends


@pytest.mark.parametrize(
    "body",
    [
        "while True:\n    messages.append(input('> '))\n    {ask}",
        "queue = asyncio.Queue()\nwhile True:\n    messages.append(await queue.get())\n    {ask}",
    ],
    ids=["terminal", "consumer"],
)  # fmt: skip
def test_a_loop_that_waits_for_its_next_input_is_none(loops: Loops, body: str) -> None:
    ask = ASK.replace(", tools=TOOLS", "") + "\n    print(answer.choices[0].message.content)"
    assert loops(route(body.format(ask=ask))) == []


@pytest.mark.parametrize(
    ("run", "explicit", "steps", "run_bound"),
    [
        ("Runner.run(agent, question)", False, 10, False),
        ("Runner.run(agent, question, max_turns=4)", True, 4, False),
        ("asyncio.wait_for(Runner.run(agent, question, max_turns=4), timeout=60)", True, 4, True),
    ],
)
def test_agents_of_a_framework(loops: Loops, run: str, explicit: bool, steps: int, run_bound: bool) -> None:
    agent = "\nagent = Agent(name='a', model='gpt-4o-2024-08-06', tools=[function_tool(weather)])\n"
    (found,) = loops(agent + route(f"return (await {run}).final_output"))
    assert (found.explicit, found.steps, found.run_bound, found.ends) == (explicit, steps, run_bound, False)


def test_an_agent_without_tools_ends_with_its_answer(loops: Loops) -> None:
    agent = "\nagent = Agent(name='a', model='gpt-4o-2024-08-06')\n"
    (found,) = loops(agent + route("return (await Runner.run(agent, question)).final_output"))
    assert found.ends


def test_a_framework_without_a_limit_has_none(loops: Loops) -> None:
    agent = "\nagent = swarm.Agent(name='a', functions=[weather])\nrunner = Swarm()\n"
    (found,) = loops(agent + route("return runner.run(agent, messages)"))
    assert (found.explicit, found.steps, found.unresolved) == (False, None, False)


@pytest.mark.parametrize(
    ("back", "count"), [("graph.add_edge('tools', 'model')", False), ("graph.add_edge('tools', END)", True)]
)
def test_a_graph_ends_where_no_edge_leads_back(loops: Loops, back: str, count: bool) -> None:
    source = f"""
llm = ChatOpenAI(model="gpt-4o-2024-08-06", timeout=30).bind_tools([weather])

def model(state):
    return {{"messages": [llm.invoke(state["messages"])]}}

graph = StateGraph(dict)
graph.add_node("model", model)
graph.add_node("tools", ToolNode([weather]))
graph.add_edge(START, "model")
graph.add_conditional_edges("model", tools_condition)
{back}
runner = graph.compile()
"""
    (found,) = loops(source + route("return runner.invoke({'messages': messages})"))
    assert found.ends is count


@pytest.mark.parametrize(("test", "explicit"), [("'none' if turn > 5 else 'auto'", True), ("'auto'", False)])
def test_a_function_that_calls_itself_after_its_tools_is_a_loop(test: str, explicit: bool, loops: Loops) -> None:
    (loop,) = loops(
        f"""
def ask(messages, turn=0):
    answer = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS, tool_choice={test})
    if not answer.choices[0].message.tool_calls:
        return answer
    return ask([*messages, weather("Rome")], turn + 1)

@app.post("/ask")
def route(question: str):
    return ask([{{"role": "user", "content": question}}])
"""
    )

    assert (loop.explicit, loop.ends, loop.run_bound) == (explicit, False, False)
