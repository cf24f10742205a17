"""Puts a report under the pull or merge request that is being checked: one comment, renewed by every run.

Usage: python .ci/comment.py REPORT. It reads what GitHub Actions and GitLab CI tell every job. Where no token may
write, as in the run of a fork, the summary of the job (on GitLab its log) has the report, and that is all.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx

LONGEST = 60_000  # GitHub takes 65,536 characters
PAGES = 10


@dataclass(frozen=True)
class Thread:
    """The comments of one request: where they are listed and written, where one is changed, and which are ours."""

    client: httpx.Client
    comments: str
    comment: str
    change: str
    ours: Callable[[dict[str, Any]], bool]

    def put(self, mark: str, text: str) -> str:
        """Write the text into our comment with this mark, or into a new one; says which."""
        for page in range(1, PAGES + 1):
            listed = self._ask("GET", self.comments, params={"per_page": 100, "page": page}).json()
            for one in listed:
                if self.ours(one) and one["body"].startswith(mark):
                    self._ask(self.change, f"{self.comment}/{one['id']}", json={"body": text})
                    return "The comment is renewed."
            if len(listed) < 100:
                break
        self._ask("POST", self.comments, json={"body": text})
        return "The comment is written."

    def _ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        return self.client.request(method, path, **what).raise_for_status()


def thread(env: dict[str, str]) -> Thread | None:
    """The request that this job checks, on whichever host it runs; None when there is none, or no token."""
    reference = env.get("GITHUB_REF", "").split("/")
    if env.get("GITHUB_TOKEN") and reference[:2] == ["refs", "pull"]:
        headers = {"Authorization": f"Bearer {env['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
        client = httpx.Client(base_url=env["GITHUB_API_URL"], headers=headers, timeout=20)
        issues = f"/repos/{env['GITHUB_REPOSITORY']}/issues"
        return Thread(
            client,
            f"{issues}/{reference[2]}/comments",
            f"{issues}/comments",
            "PATCH",
            lambda one: one["user"]["login"] == "github-actions[bot]",
        )
    if env.get("COMMENT_TOKEN") and (number := env.get("CI_MERGE_REQUEST_IID")):
        headers = {"PRIVATE-TOKEN": env["COMMENT_TOKEN"]}
        client = httpx.Client(base_url=env["CI_API_V4_URL"], headers=headers, timeout=20)
        me = client.get("/user").raise_for_status().json()["id"]
        notes = f"/projects/{env['CI_MERGE_REQUEST_PROJECT_ID']}/merge_requests/{number}/notes"
        return Thread(client, notes, notes, "PUT", lambda one: one["author"]["id"] == me)
    return None


def main(report: Path, env: dict[str, str]) -> str:
    """Show the report, and put it under the request where that is allowed; says what was done."""
    if not report.is_file():
        return f"There is no {report}: what writes it did not get that far."
    mark, text = f"<!-- {report.stem} -->", report.read_text("utf-8")[:LONGEST]
    if summary := env.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)
    try:
        found = thread(env)
        return found.put(mark, f"{mark}\n{text}") if found else "There is no request to comment on, or no token for it."
    except httpx.HTTPError as error:
        return f"The report could not be put under the request: {str(error).splitlines()[0]}"


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1]), dict(os.environ)) + "\n")
