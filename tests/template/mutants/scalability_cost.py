"""Mutants of the layer scalability cost."""

from __future__ import annotations

from .edit import ANSWERER, ATTEMPT, GATEWAY, PACKAGE, Mutant, mutant

MUTANTS: tuple[Mutant, ...] = (
    mutant("output-tokens-capped", (ATTEMPT, "max_tokens=cap, ", "")),
    mutant("container-image-reproducible", ("Dockerfile", "USER 10001:10001\n", "")),
    mutant("autoscaling-and-limits", ("deploy/chart/values.yaml", '  limits: {cpu: "2", memory: 1Gi}\n', "")),
    mutant("load-tested", ("load/locustfile.py", "environment.process_exit_code = 0 if kept else 1", "print(kept)")),
    mutant(
        "rollback-path",
        ("deploy/chart/values.yaml", 'tag: "0.1.0"', "tag: latest"),
        ("compose.yaml", "support-answers:${RELEASE:-local}", "support-answers:local"),
    ),
    mutant(
        "async-safe-clients",
        (GATEWAY, "import random\n", "import random\nimport time\n"),
        (GATEWAY, "await asyncio.sleep(pause)", "time.sleep(pause)"),
    ),
    mutant("rate-limited", (f"{PACKAGE}/api/dependencies.py", "    await services.limits.check(found)\n", "")),
    mutant("spend-capped", (f"{PACKAGE}/gateway/budget.py", ", Spend.spent_micros + held <= self._limit(row))", ")")),
    mutant("response-cached", (ANSWERER, "hit = await self._remembered(scope, screened.text)", "hit = None")),
)
