"""The demo: prepare, serve, play two minutes of traffic, and say what there is to see."""

import asyncio
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2 as httpx
import uvicorn
from rich.console import Console

from ..app import create_app
from ..data.changes import DataChanges
from ..errors import Refused
from ..observability import logs
from ..security.keys import LOCAL_OPERATOR
from ..services import open_services
from ..settings import Settings
from ..storage.migrate import upgrade
from .traffic import SCRIPT, Traffic

_MODELS = ("placeholder:standard", "placeholder:small")


def demo(console: Console, *, port: int = 8000, once: bool = False) -> None:
    """Run the demo.

    Args:
        console: where it tells what happens.
        port: the port to serve on; when it is taken, any free one.
        once: end after the traffic instead of serving until Ctrl-C.
    """
    started, settings = time.monotonic(), _settings()
    keys = asyncio.run(_prepare(settings, console))
    with _serving(settings, port, console) as url:
        try:
            asyncio.run(_play(settings, url, keys, console))
        except httpx.HTTPError as error:
            reason = str(error).partition("\n")[0]
            raise Refused(f"The demo's service failed: {reason}. Its log is {settings.state}/service.log") from error
        took = time.monotonic() - started
        if settings.actions:
            console.print(f"Actions   one call was rejected, one waits for you: {url}/approvals")
        console.print(SCRIPT["guide"].format(url=url, key=keys["operator"], took=took), end="")
        if not once:
            console.print("Serving until you press Ctrl-C.")
        while not once:
            time.sleep(3600)


def _settings() -> Settings:
    """The team's settings, on the simulator, with a state folder of the demo's own and nothing to wait for."""
    state = Settings().root / "var" / "demo"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True, exist_ok=True)
    return Settings(
        environment="development",
        state=state,
        database_url="",
        redis_url=None,
        otlp_endpoint="",
        model=_MODELS[0],
        fallback_models=list(_MODELS[1:]),
        placeholder_faults=SCRIPT["faults"],
        placeholder_latency=0.02,
        attempt_timeout_s=0.4,
        request_timeout_s=2.0,
        requests_per_minute=100_000,
        tenant_budgets={"trial": 0.01},
    )


async def _prepare(settings: Settings, console: Console) -> dict[str, str]:
    await upgrade(settings.database)
    console.print(f"Database  {settings.state / 'service.db'}, migrated")
    async with open_services(settings) as services:
        changes = DataChanges(services.library, services.database, services.metrics)
        report = await changes.ingest(LOCAL_OPERATOR, settings.root / "data" / "sample")
        version = report.version.id if report.version else "none"
        console.print(f"Data      data/sample is version {version}: {report.accepted} records accepted")
        console.print(f"          {len(report.quarantined)} in quarantine, each with its reason:")
        for row in report.quarantined:
            console.print(f"          · {row.source}, line {row.line}: {'; '.join(row.reasons)}")
        people = SCRIPT["people"].items()
        issued = [await services.keys.issue(name, tenant, frozenset(scopes)) for name, (tenant, *scopes) in people]
        return {row.name: secret for secret, row in issued}


@contextmanager
def _serving(settings: Settings, port: int, console: Console) -> Iterator[str]:
    """The real service in a thread of its own, until the block ends."""
    with (settings.state / "service.log").open("a", encoding="utf-8") as log, _listen(port) as listening:
        app = create_app(settings)
        logs.configure(settings, log)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        taken = f", since {port} is taken" if port not in {0, listening.getsockname()[1]} else ""
        url = "http://{}:{}".format(*listening.getsockname())
        console.print(f"Service   {url}{taken}; it logs to {log.name}")
        try:
            yield url
        finally:
            server.should_exit = True
            # It takes three seconds at most; a second Ctrl-C would cut off what is being answered.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            thread.join()
            signal.signal(signal.SIGINT, before)
            logs.configure(settings)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))


async def _play(settings: Settings, url: str, keys: dict[str, str], console: Console) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as client:
        traffic = Traffic(client, keys)
        with console.status("People ask …"):
            await traffic.everyday()
            await traffic.switched_off(*_MODELS)
            await traffic.opinions()
            if settings.actions:
                await traffic.actions()
    ended = Counter(answer["outcome"] for answer in traffic.answers).most_common()
    cost = sum(answer["usage"]["cost"] or 0 for answer in traffic.answers)
    cached = sum(answer["cached"] for answer in traffic.answers)
    console.print(f"Traffic   {len(traffic.answers)} questions: {', '.join(f'{n} {outcome}' for outcome, n in ended)}")
    console.print(f"          {cached} from the cache; {cost:.4f} {settings.currency} in all")
    async with open_services(settings) as services:
        for version in services.prompts.versions():
            run = await services.evals.run(version)
            missed = ", ".join(reason.partition(",")[0] for reason in services.evals.verdict(run))
            console.print(f"Evals     prompt {version.version}: {missed or 'every threshold is met'}")
