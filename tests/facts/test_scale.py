"""What holds under load: the cases that the examples of the checks do not show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from readiness.facts.facts import Facts
from readiness.facts.scale.knowledge import load_scale, read_scale
from readiness.facts.sdks.sdk import KnowledgeError

Gather = Callable[[Mapping[str, str]], Facts]

HEAD = "import asyncio, time\nimport fastapi, openai\napp = fastapi.FastAPI()\nclient = openai.AsyncOpenAI()\n"
ASK = "async def ask(t):\n  return await client.responses.create(model='m', input=t)\n"


def service(body: str, decorator: str = "@app.post('/ask')") -> dict[str, str]:
    """A service whose handler has this body, indented by two spaces, after a model call."""
    return {"app.py": f"{HEAD}{ASK}{decorator}\nasync def handler(t: str, xs: list):\n{body}\n"}


@pytest.mark.parametrize(
    ("body", "blocking"),
    [
        ("  time.sleep(1)\n  return await ask(t)", "time.sleep(…)"),
        ("  await asyncio.to_thread(time.sleep, 1)\n  return await ask(t)", ""),
        ("  await asyncio.get_running_loop().run_in_executor(None, lambda: time.sleep(1))\n  return await ask(t)", ""),
        ("  def wait():\n    time.sleep(1)\n  await asyncio.to_thread(wait)\n  return await ask(t)", ""),
        ("  def wait():\n    time.sleep(1)\n  wait()\n  return await ask(t)", "time.sleep(…)"),
        ("  def lines():\n    time.sleep(1)\n    yield t\n  for x in lines():\n    print(x)\n  return await ask(t)",
         "time.sleep(…)"),
        ("  task = client.responses.create(model='m', input=t)\n  return await task", ""),
        ("  async def later():\n    time.sleep(1)\n  asyncio.create_task(later())\n  return await ask(t)",
         "time.sleep(…)"),
        ("  if hasattr(xs, 'aget'):\n    await xs.aget()\n  else:\n    time.sleep(1)\n  return await ask(t)", ""),
    ],
)  # fmt: skip
def test_only_what_waits_on_the_loop_blocks_it(body: str, blocking: str, facts_of: Gather) -> None:
    (entry,) = facts_of(service(body)).async_entries

    assert (entry.blocking.text if entry.blocking else "") == blocking


@pytest.mark.parametrize(
    ("factory", "rebuilt"),
    [
        ("def made():\n  return openai.AsyncOpenAI()\n", True),
        ("import functools\n@functools.cache\ndef made():\n  return openai.AsyncOpenAI()\n", False),
        ("kept = {}\ndef made():\n  if 'a' in kept:\n    return kept['a']\n  kept['a'] = openai.AsyncOpenAI()\n"
         "  return kept['a']\n", False),
        ("def made():\n  if not hasattr(app.state, 'c'):\n    app.state.c = openai.AsyncOpenAI()\n"
         "  return app.state.c\n", False),
    ],
)  # fmt: skip
def test_a_client_that_something_keeps_is_not_built_again(factory: str, rebuilt: bool, facts_of: Gather) -> None:
    body = "@app.post('/ask')\nasync def handler(t: str):\n  return await made().responses.create(model='m', input=t)\n"
    (entry,) = facts_of({"app.py": HEAD + factory + body}).async_entries

    assert bool(entry.rebuilt) is rebuilt


@pytest.mark.parametrize(
    ("key", "per_caller"),
    [
        ("def key(request):\n  return request.client.host\n", False),
        ("def key(request):\n  return request.headers.get('X-Forwarded-For') or request.client.host\n", False),
        ("def key(request):\n  return request.headers.get('X-API-Key') or request.client.host\n", True),
        ("def key(request):\n  return 'everybody'\n", False),
        ("key = lambda request: request.state.user\n", True),
    ],
)
def test_a_limit_counts_callers_where_its_key_knows_them(key: str, per_caller: bool, facts_of: Gather) -> None:
    limiter = f"import slowapi\n{key}limiter = slowapi.Limiter(key_func=key)\n"
    files = service("  return await ask(t)", "@app.post('/ask')\n@limiter.limit('5/minute')")
    (entry,) = facts_of({"app.py": files["app.py"].replace(ASK, limiter + ASK)}).limited_entries

    assert entry.limit is not None
    assert entry.limit.per_caller is per_caller


def test_a_middleware_of_the_project_limits_every_route(facts_of: Gather) -> None:
    middleware = (
        "hits = {}\n@app.middleware('http')\nasync def limit(request, call_next):\n  user = request.headers['x-user']\n"
        "  hits.setdefault(user, []).append(time.time())\n  if len(hits[user]) > 20:\n    raise RuntimeError(user)\n"
        "  return await call_next(request)\n"
    )
    files = service("  return await ask(t)")
    (entry,) = facts_of({"app.py": files["app.py"].replace(ASK, middleware + ASK)}).limited_entries

    assert entry.limit is not None
    assert entry.limit.per_caller


@pytest.mark.parametrize(
    ("test", "stops"),
    [
        ("self.spent_today >= self.daily_budget", True),
        ("self.tokens_used_today > self.quota", True),
        ("len(text) > self.prompt_budget", False),
        ("self.thinking_budget <= 0", False),
        ("self.errors > self.error_budget", False),
    ],
)
def test_a_budget_compares_what_was_spent(test: str, stops: bool, facts_of: Gather) -> None:
    guard = f"class Guard:\n  def require(self, text):\n    if {test}:\n      raise RuntimeError\nguard = Guard()\n"
    files = service("  guard.require(t)\n  return await ask(t)")
    found = facts_of({"app.py": files["app.py"].replace(ASK, guard + ASK)}).spending.budgets

    assert bool(found) is stops


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        ("  return await asyncio.gather(*[ask(x) for x in xs])", False),
        ("  return await asyncio.gather(*[ask(x) for x in xs[:5]])", True),
        ("  tasks = []\n  for x in xs:\n    tasks.append(ask(x))\n  return await asyncio.gather(*tasks)", False),
        ("  async with asyncio.TaskGroup() as group:\n    for x in xs:\n      group.create_task(ask(x))", False),
        ("  for _ in range(4):\n    asyncio.create_task(ask(t))", True),
    ],
)
def test_fan_outs_are_bounded_by_what_one_can_see(body: str, bound: bool, facts_of: Gather) -> None:
    (found,) = facts_of(service(body)).fan_outs

    assert bool(found.bound) is bound


def test_tabular_models_are_not_hosted_ones(facts_of: Gather) -> None:
    code = "import joblib, fastapi\napp = fastapi.FastAPI()\nm = joblib.load('m')\n@app.post('/p')\n"

    assert not facts_of({"app.py": f"{code}def p(x: float):\n  return m.predict([[x]])\n"}).self_hosting.models


def test_a_container_that_serves_models_is_bounded_by_its_options(facts_of: Gather) -> None:
    compose = (
        "services:\n  ollama:\n    image: ollama/ollama:0.12.3\n"
        "    environment: {OLLAMA_NUM_PARALLEL: '2', OLLAMA_MAX_QUEUE: '64'}\n"
    )
    hosting = facts_of({**service("  return await ask(t)"), "compose.yaml": compose}).self_hosting

    assert {e.text for e in hosting.bounds} == {"OLLAMA_NUM_PARALLEL", "OLLAMA_MAX_QUEUE"}


def test_the_knowledge_of_load_is_read_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "scale.yaml"
    file.write_text("loops: fastapi\n", encoding="utf-8")

    assert "time.sleep" in load_scale().blocking
    with pytest.raises(KnowledgeError, match="loops"):
        read_scale(file)
