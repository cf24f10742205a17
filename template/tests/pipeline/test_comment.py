"""The comment under a pull or merge request: written once, renewed after that, and never a reason to fail."""

import json
import runpy
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

ROOT = Path(__file__).parents[2]
main = runpy.run_path(str(ROOT / ".ci" / "comment.py"))["main"]


class Host:
    """What GitHub and GitLab keep of a request's comments, the first hundred of which are other people's."""

    def __init__(self, server: HTTPServer, status: int = 200) -> None:
        self.status, self.calls = status, []
        self.comments = [{"id": number, "body": "<!-- evals --> as I said", **self._by(7)} for number in range(100)]
        server.expect_request("/user").respond_with_json({"id": 5})
        server.expect_request("/repos/acme/answers/issues/12/comments").respond_with_handler(self._list)
        server.expect_request("/projects/3/merge_requests/12/notes").respond_with_handler(self._list)
        for folder in ("repos/acme/answers/issues/comments", "projects/3/merge_requests/12/notes"):
            server.expect_request(f"/{folder}/100").respond_with_handler(self._change)

    @staticmethod
    def _by(author: int) -> dict:
        return {"author": {"id": author}, "user": {"login": "github-actions[bot]" if author == 5 else "somebody"}}

    def _list(self, request: Request) -> Response:
        self.calls.append(request.method)
        if request.method == "POST":
            if self.status == 200:
                self.comments.append({"id": 100, "body": request.get_json()["body"], **self._by(5)})
            return Response(status=self.status)
        first = (int(request.args["page"]) - 1) * 100
        return Response(json.dumps(self.comments[first : first + 100]), content_type="application/json")

    def _change(self, request: Request) -> Response:
        self.calls.append(request.method)
        self.comments[100]["body"] = request.get_json()["body"]
        return Response()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "evals.md"
    path.write_text("## Evals pass\n", "utf-8")
    return path


def github(server: HTTPServer, folder: Path) -> dict[str, str]:
    return {
        "GITHUB_REF": "refs/pull/12/merge",
        "GITHUB_TOKEN": "token",
        "GITHUB_API_URL": server.url_for(""),
        "GITHUB_REPOSITORY": "acme/answers",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }


def gitlab(server: HTTPServer, _folder: Path) -> dict[str, str]:
    return {
        "CI_MERGE_REQUEST_IID": "12",
        "CI_MERGE_REQUEST_PROJECT_ID": "3",
        "CI_API_V4_URL": server.url_for(""),
        "COMMENT_TOKEN": "token",
    }


@pytest.mark.parametrize(("env", "renewed"), [(github, "PATCH"), (gitlab, "PUT")])
def test_there_is_one_comment_and_every_run_renews_it(
    httpserver: HTTPServer, report: Path, tmp_path: Path, env, renewed: str
) -> None:
    host = Host(httpserver)
    assert main(report, env(httpserver, tmp_path)) == "The comment is written."
    report.write_text("## Evals fail\n", "utf-8")
    assert main(report, env(httpserver, tmp_path)) == "The comment is renewed."
    assert host.calls == ["GET", "GET", "POST", "GET", "GET", renewed]
    assert [one["body"] for one in host.comments[100:]] == ["<!-- evals -->\n## Evals fail\n"]


def test_a_token_that_may_not_write_leaves_the_report_in_the_summary(
    httpserver: HTTPServer, report: Path, tmp_path: Path
) -> None:
    Host(httpserver, status=403)
    assert "could not be put under the request" in main(report, github(httpserver, tmp_path))
    assert (tmp_path / "summary.md").read_text("utf-8") == "## Evals pass\n"


def test_at_home_the_report_is_printed(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no request" in main(report, {})
    assert capsys.readouterr().out == "## Evals pass\n"
    assert "did not get that far" in main(report.with_name("none.md"), {})
