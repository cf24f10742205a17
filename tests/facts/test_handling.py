"""A failure is followed from the model call outwards, and what each way meets there is told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts
from readiness.facts.failures.handling import CallFailure, ErrorPath

HEAD = """
import asyncio, contextlib, logging
import httpx, openai
from fastapi import BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from langchain_openai import ChatOpenAI
from errors import ModelDown

app = FastAPI()
client = openai.OpenAI(timeout=30)
logger = logging.getLogger(__name__)
CALL = dict(model="gpt-4o-2024-08-06", messages=[])
"""
ERRORS = "class ModelDown(Exception):\n    pass\n"

Failures = Callable[[Mapping[str, str]], list[CallFailure]]


@pytest.fixture
def failures(facts_of: Callable[[Mapping[str, str]], Facts]) -> Failures:
    """A function that gives the failures of the remote calls in some files."""
    return lambda files: facts_of(files).call_failures


@pytest.fixture
def way(failures: Failures) -> Callable[[str], ErrorPath]:
    """A function that gives the only way out of the only call in a route's body."""

    def find(source: str) -> ErrorPath:
        (failure,) = failures({"errors.py": ERRORS, "app.py": HEAD + source})
        (path,) = failure.paths
        return path

    return find


def route(body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    return f"\n@app.post('/ask')\ndef ask(question: str) -> str:\n{lines}\n"


def guarded(handlers: str, last: str = "return str(answer)") -> str:
    return route(f"try:\n    answer = client.chat.completions.create(**CALL)\n{handlers.strip(chr(10))}\n{last}")


def test_no_handler_is_no_handling(way: Callable[[str], ErrorPath]) -> None:
    assert not way(route("return client.chat.completions.create(**CALL)")).handled


@pytest.mark.parametrize(
    "kind",
    [
        "openai.RateLimitError",
        "openai.OpenAIError",
        "(openai.APITimeoutError, openai.APIError)",
        "TimeoutError",
        "httpx.HTTPError",
    ],
)
def test_a_class_of_the_sdk_its_transport_or_the_network_is_specific(
    way: Callable[[str], ErrorPath], kind: str
) -> None:
    found = way(guarded(f"except {kind}:\n    raise HTTPException(503, 'The assistant is busy.')"))
    assert (found.specific, found.broad, found.handled, found.outcome, found.status) == (True, False, True, True, 503)


@pytest.mark.parametrize("kind", ["ValueError", "KeyError", "NotImplementedError", "HTTPException"])
def test_other_classes_do_not_catch_it(way: Callable[[str], ErrorPath], kind: str) -> None:
    assert not way(guarded(f"except {kind}:\n    return 'sorry, no answer today'")).handled


@pytest.mark.parametrize("kind", [" Exception", " BaseException", "", " (openai.APIError, Exception)"])
def test_catching_everything_is_broad_whatever_else_is_named(way: Callable[[str], ErrorPath], kind: str) -> None:
    found = way(guarded(f"except{kind}:\n    return 'sorry, no answer today'"))
    assert (found.specific, found.broad, found.handled) == (False, True, True)


def test_a_branch_on_the_class_is_specific(way: Callable[[str], ErrorPath]) -> None:
    body = (
        "except Exception as e:\n    if isinstance(e, openai.RateLimitError):\n"
        "        return 'too many questions'\n    raise"
    )
    assert way(guarded(body)).specific


@pytest.mark.parametrize("body", ["pass", "return None", "return ''", "return []"])
def test_doing_nothing_swallows_it(way: Callable[[str], ErrorPath], body: str) -> None:
    found = way(guarded(f"except Exception:\n    {body}"))
    assert (found.handled, found.swallowed, found.outcome) == (True, True, False)


def test_suppressing_swallows_it(way: Callable[[str], ErrorPath]) -> None:
    body = "with contextlib.suppress(Exception):\n    return str(client.chat.completions.create(**CALL))\nreturn ''"
    assert way(route(body)).swallowed


@pytest.mark.parametrize(
    "line",
    ["logger.exception('failed')", "logging.error('failed')", "print('failed')", "tell()"],
)
def test_a_log_is_found_also_in_a_function_of_the_project(way: Callable[[str], ErrorPath], line: str) -> None:
    tell = "\ndef tell() -> None:\n    logger.warning('failed')\n"
    found = way(tell + guarded(f"except Exception:\n    {line}\n    return 'sorry, no answer today'"))
    assert found.logged
    assert not found.swallowed


@pytest.mark.parametrize(
    ("result", "exposed"),
    [
        ("str(e)", True),
        ("f'Error: {e}'", True),
        ("e.message", True),
        ("traceback.format_exc()", True),
        ("type(e).__name__", False),
        ("f'status {e.status_code}'", False),
        ("'sorry, no answer today'", False),
    ],
)
def test_the_raw_text_is_told_from_a_word_about_it(way: Callable[[str], ErrorPath], result: str, exposed: bool) -> None:
    source = "import traceback\n" + guarded(f"except openai.APIError as e:\n    raise HTTPException(502, {result})")
    assert way(source).exposed is exposed


def test_the_raw_text_is_followed_through_a_name(way: Callable[[str], ErrorPath]) -> None:
    assert way(guarded("except Exception as e:\n    text = f'Error: {e}'\n    return text")).exposed


def test_the_text_of_an_error_of_our_own_may_be_shown(failures: Failures) -> None:
    llm = HEAD + (
        "\ndef complete(question):\n    try:\n        return client.chat.completions.create(**CALL)\n"
        "    except openai.APIError as e:\n        logger.warning('failed')\n        raise ModelDown({}) from e\n"
    )
    page = (
        "from fastapi import FastAPI, HTTPException\nfrom errors import ModelDown\nfrom llm import complete\n"
        "app = FastAPI()\n"
        "@app.post('/ask')\ndef ask(question: str):\n    try:\n        return complete(question)\n"
        "    except ModelDown as e:\n        raise HTTPException(503, str(e))\n"
    )
    for text, exposed in (("'The assistant is busy.'", False), ("str(e)", True)):
        (failure,) = failures({"errors.py": ERRORS, "llm.py": llm.format(text), "app.py": page})
        assert [p.exposed for p in failure.paths] == [exposed]
        assert all(p.specific and p.logged and p.outcome for p in failure.paths)


def test_a_broad_handler_further_out_catches_what_a_specific_one_raised(failures: Failures) -> None:
    llm = HEAD + (
        "\ndef complete(question):\n    try:\n        return client.chat.completions.create(**CALL)\n"
        "    except openai.RateLimitError:\n        raise HTTPException(429, 'Too many questions.')\n"
    )
    page = (
        "from fastapi import FastAPI, HTTPException\nfrom llm import complete\napp = FastAPI()\n"
        "@app.post('/ask')\ndef ask(question: str):\n    try:\n        return complete(question)\n"
        "{}    except Exception:\n        raise HTTPException(500, 'It failed.')\n"
    )
    for guard, recaught in (("", True), ("    except HTTPException:\n        raise\n", False)):
        (failure,) = failures({"errors.py": ERRORS, "llm.py": llm, "app.py": page.format(guard)})
        assert [p.recaught for p in failure.paths] == [recaught]


def test_each_caller_is_a_way_of_its_own(failures: Failures) -> None:
    source = HEAD + (
        "\ndef complete(question):\n    return client.chat.completions.create(**CALL)\n"
        "@app.post('/a')\ndef a(question: str):\n    return complete(question)\n"
        "@app.post('/b')\ndef b(question: str):\n    try:\n        return complete(question)\n"
        "    except openai.APIError:\n        logger.warning('failed')\n"
        "        raise HTTPException(503, 'The assistant is busy.')\n"
    )
    (failure,) = failures({"errors.py": ERRORS, "app.py": source})
    assert sorted(p.handled for p in failure.paths) == [False, True]


def test_the_handlers_of_the_application_catch_what_leaves_a_route(way: Callable[[str], ErrorPath]) -> None:
    handler = (
        "\n@app.exception_handler(openai.APIError)\ndef busy(request, error):\n    logger.warning('failed')\n"
        "    return {'detail': 'The assistant is busy.'}\n"
    )
    found = way(handler + route("return client.chat.completions.create(**CALL)"))
    assert (found.handled, found.specific, found.logged, found.outcome) == (True, True, True, True)


@pytest.mark.parametrize(("inside", "handled"), [(True, True), (False, False)])
def test_the_handler_of_a_stream_must_enclose_its_reading(
    way: Callable[[str], ErrorPath], inside: bool, handled: bool
) -> None:
    loop = "for part in stream:\n    yield part"
    body = (
        "try:\n    stream = client.chat.completions.create(**CALL, stream=True)\n{}"
        "except openai.APIError:\n    return\n{}"
    )
    body = body.format("    " + loop.replace("\n", "\n    ") + "\n", "") if inside else body.format("", loop)
    parts = "\ndef parts(question):\n" + "\n".join(f"    {line}" for line in body.split("\n")) + "\n"
    found = way(parts + route("return StreamingResponse(parts(question))"))
    assert found.handled is handled


def test_a_handler_around_a_streaming_response_is_too_early(way: Callable[[str], ErrorPath]) -> None:
    parts = (
        "\ndef parts(question):\n    for part in client.chat.completions.create(**CALL, stream=True):\n"
        "        yield part\n"
    )
    body = (
        "try:\n    return StreamingResponse(parts(question))\n"
        "except openai.APIError:\n    return 'sorry, no answer today'"
    )
    assert not way(parts + route(body)).handled


def test_an_error_of_background_work_does_not_reach_who_started_it(way: Callable[[str], ErrorPath]) -> None:
    work = "\ndef work():\n    print(client.chat.completions.create(**CALL).choices[0].message.content)\n"
    page = (
        "\n@app.post('/ask')\ndef ask(tasks: BackgroundTasks):\n    try:\n        tasks.add_task(work)\n"
        "    except openai.APIError:\n        return 'sorry, no answer today'\n"
    )
    assert not way(work + page).handled


def test_a_name_that_nothing_binds_is_seen(way: Callable[[str], ErrorPath]) -> None:
    assert way(guarded("except openai.APIError:\n    return {'detail': error}")).unbound == "error"
    assert way(guarded("except openai.APIError as error:\n    return {'detail': type(error).__name__}")).unbound == ""


def test_a_retry_loop_ends_in_what_follows_it(way: Callable[[str], ErrorPath]) -> None:
    body = (
        "for attempt in range(3):\n    try:\n        return client.chat.completions.create(**CALL)\n"
        "    except openai.APIError:\n        logger.warning('again')\n"
        "raise HTTPException(503, 'The assistant is busy.')"
    )
    found = way(route(body))
    assert (found.specific, found.logged, found.outcome) == (True, True, True)


def test_looking_now_and_then_whether_a_task_is_done_handles_nothing(failures: Failures) -> None:
    source = """
async def busy(work):
    task = asyncio.create_task(work())
    while not task.done():
        try:
            await asyncio.wait_for(asyncio.shield(task), 5)
        except asyncio.TimeoutError:
            pass

@app.post("/ask")
async def ask(question: str):
    async def reply():
        return client.chat.completions.create(**CALL)
    try:
        await busy(reply)
    except Exception as error:
        logger.exception(error)
        return {"answer": "Please try again later."}

@app.post("/other")
async def other():
    async def nothing():
        return 1
    await busy(nothing)
"""
    (failure,) = failures({"errors.py": ERRORS, "app.py": HEAD + source})

    assert [(path.text, path.handled, path.swallowed) for path in failure.paths] == [("except Exception", True, False)]
