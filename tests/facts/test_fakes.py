"""A test counts when it reaches a model call through the project's code, with the model replaced on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

SERVICE = """
    from fastapi import APIRouter, Depends, FastAPI
    from openai import OpenAI

    router = APIRouter(prefix="/v1")

    def get_client() -> OpenAI:
        return OpenAI(timeout=30)

    @router.post("/ask")
    def ask(question: str, client: OpenAI = Depends(get_client)) -> str:
        return complete(client, question)

    def complete(client: OpenAI, question: str) -> str:
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
        return answer.choices[0].message.content or ""

    app = FastAPI()
    app.include_router(router)
"""


def covered(facts_of: FactsOf, test: str, **more: str) -> tuple[str, ...]:
    files = {"service.py": SERVICE, "tests/test_service.py": test}
    return facts_of(
        {**files, **{name.replace("__", "/") + ".py": text for name, text in more.items()}}
    ).fake_tests.covered_modules


@pytest.mark.parametrize(
    "test",
    [
        """
        from unittest.mock import MagicMock
        from service import complete

        def test_complete():
            client = MagicMock()
            assert complete(client, "why")
        """,
        """
        from service import complete

        class FakeCompletions:
            def create(self, **options):
                return None

        class FakeClient:
            chat = None
            completions = FakeCompletions()
            def create(self, **options):
                return None

        def test_complete():
            assert complete(client=FakeClient(), question="why")
        """,
        """
        from fastapi.testclient import TestClient
        from unittest.mock import MagicMock
        from service import app, get_client

        def test_route():
            app.dependency_overrides[get_client] = lambda: MagicMock()
            TestClient(app).post("/v1/ask?question=why")
        """,
        """
        import pytest
        from fastapi.testclient import TestClient
        from service import app

        @pytest.fixture
        def visitor():
            return TestClient(app)

        def test_route(visitor, respx_mock):
            visitor.post("/v1/ask", params={"question": "why"})
        """,
        """
        import service

        def test_complete(monkeypatch):
            monkeypatch.setattr(service, "OpenAI", lambda **options: None)
            service.complete(service.get_client(), "why")
        """,
        """
        from unittest import TestCase, mock
        from service import complete, get_client

        class TestService(TestCase):
            @mock.patch("openai.resources.chat.completions.Completions.create")
            def test_complete(self, create):
                complete(get_client(), "why")
        """,
    ],
    ids=[
        "mock given",
        "fake given",
        "dependency override",
        "mocked http",
        "patched constructor",
        "patched at its source",
    ],
)
def test_stand_ins_that_reach_the_call(facts_of: FactsOf, test: str) -> None:
    assert covered(facts_of, test) == ("service.py",)


@pytest.mark.parametrize(
    "test",
    [
        """
        from unittest.mock import patch
        from fastapi.testclient import TestClient
        from service import app

        def test_route():
            with patch("service.ask_elsewhere", create=True):
                TestClient(app).post("/v1/ask?question=why")
        """,
        """
        from unittest.mock import MagicMock
        from service import complete

        def test_it_is_there():
            assert callable(complete) and MagicMock()
        """,
        """
        import pytest
        from unittest.mock import MagicMock
        from service import complete

        @pytest.mark.skip
        def test_complete():
            assert complete(MagicMock(), "why")
        """,
        """
        from unittest.mock import MagicMock
        from service import complete, stream

        def test_complete():
            assert complete(MagicMock(), "why")
        """,
    ],
    ids=["unrelated name", "never called", "always skipped", "cannot be imported"],
)
def test_what_proves_nothing(facts_of: FactsOf, test: str) -> None:
    assert covered(facts_of, test) == ()


def test_replacing_a_larger_function_does_not_reach_the_call_in_it(facts_of: FactsOf) -> None:
    larger = """
        from unittest.mock import patch
        from openai import OpenAI
        import pipeline

        def test_run():
            with patch("pipeline.answer", return_value="x"):
                pipeline.run("why")
    """
    body = "\n".join(f"    part_{number} = question + '{number}'" for number in range(8))
    pipeline = (
        "from openai import OpenAI\n\nclient = OpenAI(timeout=30)\n\n"
        f"def answer(question: str) -> str:\n{body}\n"
        "    return client.responses.create(model='gpt-4o', input=part_7).output_text\n\n"
        "def run(question: str) -> str:\n    return answer(question)\n"
    )
    thin = pipeline.replace(body, "    part_7 = question")
    for text, expected in ((pipeline, ()), (thin, ("pipeline.py",))):
        found = facts_of({"pipeline.py": text, "tests/test_pipeline.py": larger}).fake_tests
        assert found.covered_modules == expected


def test_a_fixture_of_a_plugin_that_a_pattern_names_is_seen(facts_of: FactsOf) -> None:
    files = {
        "service.py": SERVICE,
        "tests/conftest.py": """
            from glob import glob

            pytest_plugins = [path.replace("/", ".")[:-3] for path in glob("tests/fixtures/[!_]*.py")]
        """,
        "tests/fixtures/doubles.py": """
            import pytest
            from unittest.mock import MagicMock

            @pytest.fixture
            def client():
                return MagicMock()
        """,
        "tests/test_service.py": """
            from service import complete

            def test_complete(client):
                assert complete(client, "why")
        """,
    }
    assert facts_of(files).fake_tests.covered_modules == ("service.py",)


def test_a_fixture_from_an_imported_module_is_seen(facts_of: FactsOf) -> None:
    found = facts_of(
        {
            "service.py": SERVICE,
            "tests/conftest.py": "from tests.fixtures.doubles import client\n",
            "tests/fixtures/doubles.py": """
                import pytest
                from unittest.mock import MagicMock

                @pytest.fixture(name="fake")
                def client():
                    return MagicMock()
            """,
            "tests/test_service.py": """
                from service import complete

                def test_complete(fake):
                    assert complete(fake, "why")
            """,
        }
    ).fake_tests
    assert [test.modules for test in found.tests] == [("service.py",)]
    assert found.share == 1.0


def test_the_test_that_is_shown_is_one_that_reaches_the_model(facts_of: FactsOf) -> None:
    tests = facts_of(
        {
            "service.py": "import joblib\nimport pandas\nfrom fastapi import FastAPI\n\n"
            "app = FastAPI()\nmodel = joblib.load('model.joblib')\n\n\n"
            "@app.get('/')\ndef hello():\n    return 'hello'\n\n\n"
            "@app.post('/predict')\ndef predict(age: int):\n"
            "    return int(model.predict(pandas.DataFrame([{'age': age}]))[0])\n",
            "tests/test_service.py": "from fastapi.testclient import TestClient\n\nfrom service import app\n\n"
            "client = TestClient(app)\n\n\n"
            "def test_hello():\n    assert client.get('/').json() == 'hello'\n\n\n"
            "def test_predict():\n    assert client.post('/predict?age=4').json() == 1\n",
        }
    ).fake_tests.tests
    assert [test.text for test in tests] == ["test_predict reaches service.py"]
