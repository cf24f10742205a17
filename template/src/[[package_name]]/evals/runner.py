"""Runs the golden cases through the pipeline that production uses, and says whether a prompt may answer."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import Evaluator, EvaluatorContext
from pydantic_evals.reporting import ReportCase
from sqlalchemy import or_, select

from ..answering.pipeline import Pipeline, Result
from ..errors import NotFound
from ..observability.metrics import Metrics
from ..prompts.registry import PromptVersion
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import EvalRun, new_id, now
from .dataset import GoldenCase, load
from .scores import compare, compare_groups, means, passed, scores

_AT_ONCE = 8
_TENANT = "evals"
_KEPT = ("prompt_version", "model", "data_version", "dataset_digest", "passed", "scores", "cases")


@dataclass
class Expectations(Evaluator[str, Result, GoldenCase]):
    """Scores a result against what its case expects."""

    def evaluate(self, ctx: EvaluatorContext[str, Result, GoldenCase]) -> dict[str, float]:
        """The scores of one case, by metric."""
        return scores(ctx.metadata, ctx.output) if ctx.metadata else {}


class Evals:
    """The golden cases, their thresholds and the committed baseline.

    Args:
        pipeline: rehearses: a model that is not slowed down or made to fail on purpose.
    """

    def __init__(self, settings: Settings, database: Database, metrics: Metrics, pipeline: Pipeline) -> None:
        self._folder = settings.root / "evals"
        self.limits = self.thresholds(settings.root, "metrics")
        self._database = database
        self._metrics = metrics
        self._pipeline = pipeline

    async def run(self, version: PromptVersion | None = None, *, record: bool = True) -> EvalRun:
        """Ask every golden case.

        Args:
            version: the prompt to try; the active one by default.
            record: keep the run, and show its scores in the metrics.
        """
        version = version or await self._pipeline.prompts.active()
        golden = load(self._folder / "golden.jsonl")

        async def ask(question: str) -> Result:
            return await self._pipeline.run(question, tenant=_TENANT, version=version)

        cases = [Case(name=case.id, inputs=case.question, metadata=case) for case in golden.cases]
        dataset = Dataset[str, Result, GoldenCase](name="golden", cases=cases, evaluators=[Expectations()])
        report = await dataset.evaluate(ask, name=version.version, max_concurrency=_AT_ONCE, progress=False)
        done = {item.name: item for item in report.cases}
        lines = [_line(case, done.get(case.id)) for case in golden.cases]
        compare_groups(golden.cases, lines)
        run = EvalRun(
            id=new_id(),
            at=now(),
            prompt_version=version.version,
            model=_listed(item.output.model for item in report.cases),
            data_version=_listed(item.output.data_version for item in report.cases),
            dataset_digest=golden.digest,
            scores=means(line["scores"] for line in lines),
            cases=lines,
        )
        run.passed = not self.verdict(run)
        if record:
            async with self._database.writing() as session:
                session.add(run)
            for metric, score in run.scores.items():
                self._metrics.quality(metric, score, "evals")
        return run

    @staticmethod
    def thresholds(root: Path, part: str) -> dict[str, dict[str, float]]:
        """What thresholds.yaml asks of "metrics" or "guardrails": `min`, `max`, and the `drop` from the baseline."""
        content = yaml.safe_load((root / "evals" / "thresholds.yaml").read_text("utf-8"))
        return dict(content[part])

    def verdict(self, run: EvalRun) -> list[str]:
        """Every reason why this run does not pass, with the cases behind it; empty when it passes."""
        baseline, failures = self.baseline(), []
        changes = compare(baseline, run).metrics if baseline else {}
        for metric, limits in self.limits.items():
            score, (before, after) = run.scores.get(metric, 0.0), changes.get(metric, (0.0, 0.0))
            behind = ", ".join([case["id"] for case in run.cases if case["scores"].get(metric, 1) < 1][:5])
            if score < limits["min"]:
                failures.append(f"{metric} is {score:.2f}, at least {limits['min']:.2f} is asked ({behind})")
            elif before - after > limits.get("drop", 1.0):
                failures.append(f"{metric} fell from {before:.2f} to {after:.2f} against the baseline ({behind})")
        return failures

    def baseline(self) -> EvalRun | None:
        """The committed run that others are held against."""
        path = self._folder / "baseline.json"
        return EvalRun(id="baseline", **json.loads(path.read_text("utf-8"))) if path.is_file() else None

    def save_baseline(self, run: EvalRun) -> None:
        """Hold later runs against this one; commit the file."""
        text = json.dumps({key: getattr(run, key) for key in _KEPT}, indent=1, ensure_ascii=False)
        (self._folder / "baseline.json").write_text(text + "\n", "utf-8")

    async def find(self, name: str) -> EvalRun:
        """A run by its id, the last one of a prompt version, or the "baseline"; NotFound when there is none."""
        wanted = select(EvalRun).where(or_(EvalRun.id == name, EvalRun.prompt_version == name))
        async with self._database.reading() as session:
            run = (await session.scalars(wanted.order_by(EvalRun.at.desc()).limit(1))).first()
        if not (run := self.baseline() if name == "baseline" else run):
            raise NotFound(f"There is no eval run {name}: give a run's id, a prompt version that was run, or baseline.")
        return run


def _line(case: GoldenCase, done: ReportCase[str, Result, GoldenCase] | None) -> dict[str, Any]:
    # A case that raised an error failed in what every case is asked.
    scored = {name: float(score.value) for name, score in done.scores.items()} if done else {"outcome_accuracy": 0.0}
    outcome = done.output.outcome.value if done else "error"
    return {"id": case.id, "kind": case.kind.value, "outcome": outcome, "passed": passed(scored), "scores": scored}


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values))) or "none"
