"""What repeats a failed call: how often, with which waits, and whether anything ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts
from readiness.facts.failures.retries import RetryPlan

Plan = Callable[[str], RetryPlan]

HEAD = """
import time, asyncio
import backoff, openai, stamina
from celery import shared_task
from fastapi import FastAPI
from ollama import Client
from tenacity import *
import tenacity
from tenacity import retry, stop_after_attempt, stop_after_delay, stop_never, wait_exponential, wait_fixed, Retrying
from tenacity import wait_random_exponential, wait_random

app = FastAPI()
CALL = dict(model="gpt-4o-2024-08-06", messages=[])
"""
CLIENT = "client = openai.OpenAI(timeout=30, max_retries=0)\n"
COMPLETE = """
def complete(question):
    return client.chat.completions.create(**CALL).choices[0].message.content

@app.post("/ask")
def ask(question: str):
    return complete(question)
"""


@pytest.fixture
def plan(facts_of: Callable[[Mapping[str, str]], Facts]) -> Plan:
    """A function that gives the plan of the only call in a file."""

    def find(source: str) -> RetryPlan:
        client = "" if "client = " in source else CLIENT
        (found,) = facts_of({"app.py": HEAD + client + source}).retry_plans
        return found

    return find


def decorated(decorator: str) -> str:
    return COMPLETE.replace("def complete", f"{decorator}\ndef complete", 1)


def looped(loop: str) -> str:
    body = "\n".join(f"    {line}" for line in loop.strip("\n").split("\n"))
    return f"\n@app.post('/ask')\ndef ask(question: str):\n{body}\n"


@pytest.mark.parametrize(
    ("client", "source", "times"),
    [
        ("openai.OpenAI(max_retries=4)", "sdk", 4),
        ("openai.OpenAI(max_retries=4).with_options(max_retries=1)", "sdk", 1),
        ("openai.OpenAI()", "default", 2),
        ("openai.OpenAI(max_retries=openai.DEFAULT_MAX_RETRIES)", "default", None),
    ],
)
def test_the_retries_of_the_sdk_and_its_default(plan: Plan, client: str, source: str, times: int | None) -> None:
    found = plan(f"client = {client}\n{COMPLETE}")
    assert [(r.source, r.times) for r in found.working] == [(source, times)]
    assert bool(found.backed_off) is (source == "sdk")


def test_no_retries_are_none(plan: Plan) -> None:
    assert not plan(COMPLETE).working


@pytest.mark.parametrize(
    ("decorator", "times", "growing", "unbounded"),
    [
        ("@retry(stop=stop_after_attempt(3), wait=wait_random_exponential(max=20))", 2, True, False),
        ("@retry(stop=stop_after_attempt(3) | stop_after_delay(30), wait=wait_exponential())", None, True, False),
        ("@retry(stop=stop_after_attempt(3), wait=wait_exponential() + wait_random(0, 2))", 2, True, False),
        ("@retry(stop=stop_after_attempt(3), wait=wait_fixed(2))", 2, False, False),
        ("@retry(stop=stop_after_attempt(3))", 2, False, False),
        ("@retry(wait=wait_exponential())", None, True, True),
        ("@tenacity.retry", None, False, True),
        ("@stamina.retry(on=openai.APIError)", None, True, False),
        ("@backoff.on_exception(backoff.expo, openai.APIError, max_tries=3)", 3, True, False),
        ("@backoff.on_exception(backoff.constant, openai.APIError, max_tries=3)", 3, False, False),
        ("@backoff.on_exception(backoff.expo, openai.APIError)", None, True, True),
    ],
)
def test_decorators(plan: Plan, decorator: str, times: float | None, growing: bool, unbounded: bool) -> None:
    (found,) = [r for r in plan(decorated(decorator)).retryings if r.source == "decorator"]
    assert (found.times, found.growing, found.unbounded) == (times, growing, unbounded)


def test_a_decorator_on_a_generator_earns_nothing(plan: Plan) -> None:
    source = """
@retry(stop=stop_after_attempt(3), wait=wait_exponential())
def parts(question):
    for part in client.chat.completions.create(**CALL, stream=True):
        yield part

@app.post("/ask")
def ask(question: str):
    return "".join(parts(question))
"""
    assert not plan(source).working


def test_a_job_that_runs_again_is_no_retry_of_the_call(plan: Plan) -> None:
    (found,) = plan(decorated("@shared_task(autoretry_for=(Exception,), retry_backoff=True)")).working
    assert (found.source, found.explicit, found.growing) == ("workflow", False, True)
    assert not plan(decorated("@shared_task(max_retries=5)")).working


def test_a_decorator_of_the_project_is_read(plan: Plan) -> None:
    source = """
def again(function):
    def inner(*args):
        delay = 1
        for attempt in range(4):
            try:
                return function(*args)
            except openai.APIError:
                delay *= 2
                time.sleep(delay)
    return inner
"""
    (found,) = plan(source + decorated("@again")).working
    assert (found.source, found.times, found.growing) == ("decorator", 3, True)


@pytest.mark.parametrize(
    ("wait", "growing"),
    [("time.sleep(2 ** attempt)", True), ("time.sleep(attempt)", True), ("time.sleep(1)", False), ("pass", False)],
)
def test_loops_by_hand(plan: Plan, wait: str, growing: bool) -> None:
    loop = f"""
for attempt in range(3):
    try:
        return str(client.chat.completions.create(**CALL))
    except openai.RateLimitError:
        {wait}
"""
    (found,) = plan(looped(loop)).working
    assert (found.source, found.times, found.growing) == ("loop", 2, growing)


def test_a_loop_over_items_is_no_retry(plan: Plan) -> None:
    loop = """
found = []
for item in question.split():
    try:
        found.append(client.chat.completions.create(**CALL).choices[0].message.content)
    except openai.RateLimitError:
        continue
return found
"""
    assert not plan(looped(loop)).working


@pytest.mark.parametrize(
    ("counter", "unbounded"), [("", True), ("\n        tries += 1\n        if tries > 3:\n            raise", False)]
)
def test_only_a_counter_ends_a_while_true(plan: Plan, counter: str, unbounded: bool) -> None:
    loop = f"""
tries = 0
while True:
    try:
        return str(client.chat.completions.create(**CALL))
    except openai.RateLimitError:
        time.sleep(2){counter}
"""
    assert bool(plan(looped(loop)).unbounded) is unbounded


def test_two_that_retry_multiply(plan: Plan) -> None:
    decorator = "@retry(stop=stop_after_attempt(6), wait=wait_exponential())"
    assert plan("client = openai.OpenAI(max_retries=2)\n" + decorated(decorator)).product == 18
