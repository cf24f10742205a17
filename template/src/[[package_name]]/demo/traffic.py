"""Two minutes' worth of people using the service, in a few seconds and through its real HTTP interface."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import httpx2 as httpx
import yaml

SCRIPT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "script.yaml").read_text("utf-8"))
_AT_ONCE = 8


class Traffic:
    """People of several tenants; what they ask is the same in every run.

    Args:
        client: reaches the service.
        keys: the secret of each person's key by name: web, app, north, trial and operator.
    """

    def __init__(self, client: httpx.AsyncClient, keys: dict[str, str]) -> None:
        self._client = client
        self._keys = keys
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._chance = random.Random(7)  # noqa: S311 - it varies traffic, it guards nothing
        self.answers: list[dict[str, Any]] = []

    async def everyday(self) -> None:
        """Questions of every kind, many of them more than once, some as streams."""
        pick = self._chance.choice
        asked = [(pick(("web", "web", "app", "north")), pick(SCRIPT["asked"])) for _ in range(90)]
        asked += [(pick(("web", "app")), text) for kind in ("outside", "hostile", "personal") for text in SCRIPT[kind]]
        asked += [("trial", text) for text in SCRIPT["asked"][:8]]
        self._chance.shuffle(asked)
        questions = (
            self.ask(who, text, stream=number % 6 == 0, fresh=number % 3 == 0)
            for number, (who, text) in enumerate(asked)
        )
        await asyncio.gather(*questions)

    async def switched_off(self, *models: str) -> None:
        """A person switches models off, people keep asking, and the models come back."""
        for off in (True, False):
            for model in models:
                switch = {"kind": "model", "name": model, "off": off, "reason": "demo: a provider's outage"}
                await self.post("operator", "/v1/switches", switch)
            if off:
                await asyncio.gather(*(self.ask("web", text, fresh=True) for text in SCRIPT["asked"][:5]))

    async def opinions(self) -> None:
        """Thumbs up here and there, the complaints of the script, an override and a hand-off."""
        pleased = [answer for answer in self.answers if answer["outcome"] == "answered"][::3]
        for answer in pleased:
            await self.post(answer["who"], "/v1/feedback", {"answer_id": answer["id"], "rating": "up"})
        last: dict[str, Any] = {}
        for complaint in SCRIPT["complaints"]:
            said = {key: complaint[key] for key in ("category", "correction") if key in complaint}
            for text in complaint["asked"]:
                last = await self.ask("web", text, fresh=True)
                await self.post("web", "/v1/feedback", {"answer_id": last["id"], "rating": "down", **said})
        await self.post("operator", f"/v1/answers/{last['id']}/override", {"text": SCRIPT["override"]})
        await self.post("web", f"/v1/answers/{last['id']}/handoff", SCRIPT["handoff"])
        queue = await self.get("operator", "/v1/failures?state=open")
        accepted = {"owner": "answers-team", "state": "accepted"}
        await self.post("operator", f"/v1/failures/{queue[0]['id']}", accepted)

    async def actions(self) -> None:
        """Two calls that a person decides: one is rejected, the other is left for whoever looks."""
        for call in SCRIPT["calls"]:
            pending = (await self.post("web", "/v1/actions", call)).json()
        await self.post("operator", f"/v1/approvals/{pending['id']}/reject", {})

    async def ask(self, who: str, text: str, *, stream: bool = False, fresh: bool = False) -> dict[str, Any]:
        """Ask as a person and keep the answer."""
        accept = {"Accept": "text/event-stream"} if stream else {}
        async with self._free:
            response = await self.post(who, "/v1/answers", {"question": text, "fresh": fresh}, accept)
        answer = json.loads(response.text.rpartition("data: ")[2]) if stream else response.json()
        self.answers.append(answer | {"who": who})
        return self.answers[-1]

    async def post(self, who: str, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """Send as a person; an error of the service ends the demo, it is no part of the play."""
        response = await self._client.post(path, json=body, headers=self._as(who) | (headers or {}))
        return response.raise_for_status()

    async def get(self, who: str, path: str) -> Any:
        """Read as a person."""
        return (await self._client.get(path, headers=self._as(who))).raise_for_status().json()

    def _as(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._keys[who]}"}
