"""How the service is deployed: its images, compose services, workloads, platforms and health probes, in one fact."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.extract.observations import Observations
from readiness.facts.delivery.ci import Ci
from readiness.facts.delivery.commands import Command
from readiness.facts.delivery.compose import ComposeService, find_compose
from readiness.facts.delivery.containers import Image, find_images, install_commands
from readiness.facts.delivery.health_probes import HealthProbe, find_probes
from readiness.facts.delivery.image_points import ImageReport, report_image
from readiness.facts.delivery.kubernetes import Platform, Workload, find_platforms, find_workloads
from readiness.facts.place import Evidence, Place

_BUILDERS = ("langgraph", "bentofile")
"""Files by which a tool builds the image; they do not say where it runs, and often serve development alone."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything of the repository that runs the service somewhere.

    `images` are the images that run it, each with its six points; `unread` Dockerfiles that could not be read.
    `installs` are the commands run while an image is built (where "image") or by CI (where "ci").
    """

    images: tuple[ImageReport, ...] = ()
    compose: tuple[ComposeService, ...] = ()
    workloads: tuple[Workload, ...] = ()
    platforms: tuple[Platform, ...] = ()
    probes: tuple[HealthProbe, ...] = ()
    installs: tuple[tuple[Place, str, Command], ...] = ()
    unread: tuple[Evidence, ...] = ()

    @property
    def equivalents(self) -> tuple[Platform, ...]:
        """Descriptors that stand for an image: serverless, App Engine; if Python is pinned, what others build by."""
        return tuple(
            one
            for one in self.platforms
            if one.kind in ("serverless", "sam", "app-engine", "zappa")
            or (one.kind in ("procfile", *_BUILDERS) and one.pins_runtime)
        )


def find_deployment(observations: Observations, ci: Ci) -> Deployment:
    """Find everything that runs the service.

    Args:
        observations: What was read in the repository.
        ci: Its continuous integration, which builds images and starts compose files.
    """
    workloads, platforms = find_workloads(observations), find_platforms(observations)
    serves_elsewhere = any(one.kind not in ("Job", "CronJob") for one in workloads) or any(
        one.kind not in _BUILDERS for one in platforms
    )
    compose = find_compose(observations, ci, serves_elsewhere)
    images: tuple[Image, ...] = find_images(observations, ci, compose, workloads)
    return Deployment(
        images=tuple(report_image(observations, image, compose) for image in images),
        compose=compose,
        workloads=workloads,
        platforms=platforms,
        probes=find_probes(observations, images, compose, workloads, platforms),
        installs=install_commands(images, ci),
        unread=tuple(
            Evidence(Place(one.path, 1, 1), one.reason)
            for one in observations.unread
            if "dockerfile" in one.path.lower()
        ),
    )
