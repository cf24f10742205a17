"""Services around a model of one's own: networks, estimators of tables, weights from a hub, held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

NETWORK = (
    "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.inner = Inner()\n        self.out = nn.Linear(4, 2)\n\n"
    "    def forward(self, x):\n        return self.out(self.inner(x))\n\n\n"
    "class Inner(nn.Module):\n    def forward(self, x):\n        return x\n"
)
SERVED = (
    "import torch\nfrom fastapi import FastAPI\nfrom net import Net\n\napp = FastAPI()\nmodel = Net()\n{load}\n\n\n"
    "@app.post('/predict')\ndef predict(a: float):\n    return model(torch.tensor([a])).item()\n"
)
TABLE = (
    "import joblib\nimport pandas as pd\nfrom fastapi import FastAPI\nfrom pydantic import BaseModel\n\n"
    "app = FastAPI()\nmodel = joblib.load('model.joblib')\n\n\nclass Row(BaseModel):\n{fields}\n\n"
    "@app.post('/predict')\ndef predict(row: Row):\n    return model.predict(pd.DataFrame([row.dict()])).tolist()\n"
)
HUB = (
    "from transformers import pipeline\n\nmodel = pipeline('text-classification', model='{model}')\n\n\n"
    "def mood(text: str) -> str:\n    return model(text)[0]['label']\n"
)


def test_a_network_of_ones_own_predicts_when_its_weights_are_loaded(facts_of: FactsOf) -> None:
    app = SERVED.format(load="model.load_state_dict(torch.load('model.pt'))")
    found = facts_of({"net.py": NETWORK, "app.py": app})
    assert [(c.kind, c.place.path, c.reachable) for c in found.calls] == [("predict", "app.py", True)]
    assert found.gates.predict
    assert found.gates.http


def test_a_network_without_weights_is_no_model_yet(facts_of: FactsOf) -> None:
    assert not facts_of({"net.py": NETWORK, "app.py": SERVED.format(load="model.eval()")}).gates.model


def test_a_step_of_training_is_no_prediction(facts_of: FactsOf) -> None:
    step = (
        "import torch\nfrom net import Net\n\n\ndef train(rows):\n    model = Net()\n"
        "    model.load_state_dict(torch.load('model.pt'))\n    for row in rows:\n        model(row).backward()\n"
    )
    assert not facts_of({"net.py": NETWORK, "train.py": step}).gates.predict


@pytest.mark.parametrize(("size", "gate"), [("num_classes", "predict"), ("256", "embed")])
def test_an_encoder_under_a_head_for_classes_predicts(facts_of: FactsOf, size: str, gate: str) -> None:
    app = (
        "import torch\nfrom fastapi import FastAPI\nfrom torch import nn\nfrom transformers import BertModel\n\n"
        "app = FastAPI()\n\n\nclass Tagger(nn.Module):\n    def __init__(self, num_classes):\n"
        "        super().__init__()\n        self.encoder = BertModel.from_pretrained('bert-base-uncased')\n"
        f"        self.head = nn.Linear(768, {size})\n\n"
        "    def forward(self, ids):\n        return self.head(self.encoder(ids))\n\n\n"
        "model = Tagger(4)\n\n\n@app.post('/tag')\ndef tag(x: int):\n    return model(torch.tensor([x])).tolist()\n"
    )
    gates = facts_of({"app.py": app}).gates
    assert (gates.predict, gates.embed) == (gate == "predict", gate == "embed")


@pytest.mark.parametrize(
    ("fields", "channels"),
    [
        ("    age: int\n    job: str\n    country: str\n", 0),
        ("    job: str\n    sex: str\n    country: str\n", 0),
        ("    text: str\n", 1),
        ("    title: str\n    text: str\n", 1),
        ("    age: int\n    job: str\n    tags: list[str]\n", 2),
    ],
)
def test_one_row_of_a_table_is_of_a_fixed_shape(facts_of: FactsOf, fields: str, channels: int) -> None:
    assert len(facts_of({"app.py": TABLE.format(fields=fields)}).input_channels) == channels


@pytest.mark.parametrize(("model", "offline"), [("acme/mood-tiny", False), ("weights/mood", True)])
def test_weights_that_a_test_would_download_are_no_bundled_artefact(
    facts_of: FactsOf, model: str, offline: bool
) -> None:
    test = "from mood import mood\n\n\ndef test_mood():\n    assert mood('very good') == 'positive'\n"
    files = {"mood.py": HUB.format(model=model), "weights/mood/config.json": "{}\n", "tests/test_mood.py": test}
    assert bool(facts_of(files).fake_tests.covered_modules) is offline


def test_a_split_that_dvc_keeps_is_an_evaluation_set(facts_of: FactsOf) -> None:
    lock = (
        "schema: '2.0'\nstages:\n  split:\n    cmd: python split.py\n    outs:\n    - path: data/test.csv\n"
        "      md5: c9db0e484807efe9b1991f49857f4313\n      size: 7\n{reads}"
    )
    reads = (
        "  evaluate:\n    cmd: python evaluate.py\n    deps:\n    - path: data/test.csv\n"
        "      md5: c9db0e484807efe9b1991f49857f4313\n      size: 7\n"
    )
    app = TABLE.format(fields="    age: int\n")
    assert facts_of({"app.py": app, "dvc.lock": lock.format(reads=reads)}).golden.usable
    assert not facts_of({"app.py": app, "dvc.lock": lock.format(reads="")}).golden.usable


def test_held_out_rows_count_when_a_job_gives_them_to_the_evaluation(facts_of: FactsOf) -> None:
    rows = "title,tag\n" + "".join(f"row {n},mlops\n" for n in range(25))
    train = (
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.model_selection import train_test_split\n\n\n"
        "def train(rows):\n    kept, _ = train_test_split(rows, stratify='tag', random_state=1)\n"
        "    return LogisticRegression().fit(kept, kept)\n"
    )
    evaluate = (
        "import sys\n\nimport joblib\nimport pandas as pd\n"
        "from sklearn.metrics import precision_recall_fscore_support\n\n"
        "rows = pd.read_csv(sys.argv[1])\nmodel = joblib.load('m.joblib')\n"
        "print(precision_recall_fscore_support(rows.tag, model.predict(rows.title)))\n"
    )
    files = {
        "app.py": TABLE.format(fields="    age: int\n"), "pkg/train.py": train, "pkg/evaluate.py": evaluate,
        "data/holdout.csv": rows,
    }  # fmt: skip
    job = {"jobs/run.sh": "python pkg/evaluate.py data/holdout.csv\n"}
    assert not facts_of(files).golden.usable
    assert facts_of({**files, **job}).golden.usable


@pytest.mark.parametrize(("beside", "installs"), [({"Procfile": "web: uvicorn app:app\n"}, 1), ({}, 0)])
def test_a_platform_that_reads_a_procfile_installs_the_requirements(
    facts_of: FactsOf, beside: Mapping[str, str], installs: int
) -> None:
    listed = "# by pip-compile\nanyio==4.4.0  # via fastapi\nfastapi==0.111.0\njoblib==1.4.2\npandas==2.2.2\n"
    files = {"app.py": TABLE.format(fields="    age: int\n"), "requirements.txt": listed, **beside}
    assert len(facts_of(files).dependencies.locked_installs) == installs


def test_the_root_that_answers_http_ok_names_a_status(facts_of: FactsOf) -> None:
    root = (
        "\n\n@app.get('/')\ndef index():\n"
        "    return {'message': HTTPStatus.OK.phrase, 'status-code': HTTPStatus.OK, 'data': {}}\n"
    )
    app = "from http import HTTPStatus\n" + TABLE.format(fields="    age: int\n") + root
    assert facts_of({"app.py": app}).health.routes


def test_a_function_mapped_over_rows_is_not_run_by_who_reads_them_later(facts_of: FactsOf) -> None:
    files = {
        "rows.py": "import pandas as pd\n\nROWS = pd.read_csv('rows.csv')\n",
        "score.py": (
            "from openai import OpenAI\nfrom rows import ROWS\n\nclient = OpenAI(timeout=30)\n\n\n"
            "def ask(row):\n    return client.responses.create(model='gpt-4o', input=row).output_text\n\n\n"
            "def score():\n    return ROWS.apply(ask)\n"
        ),
        "app.py": (
            "from fastapi import FastAPI\nfrom rows import ROWS\n\napp = FastAPI()\n\n\n"
            "@app.get('/rows')\ndef rows():\n    return ROWS.to_dict()\n"
        ),
    }
    assert [c.reachable for c in facts_of(files).calls] == [False]


@pytest.mark.parametrize(
    "app",
    [
        "models = {}\n\n\n@asynccontextmanager\nasync def lifespan(app):\n"
        "    models['price'] = joblib.load('m.joblib')\n"
        "    yield\n\n\napp = FastAPI(lifespan=lifespan)\n\n\n"
        "@app.get('/price')\ndef price(x: float):\n    return models['price'].predict([[x]])[0]\n",
        "class Registry:\n    def __init__(self):\n        self._models = {}\n\n    def load(self, version, path):\n"
        "        self._models[version] = joblib.load(path)\n\n    def predict(self, row, version):\n"
        "        return self._models[version].predict(row)\n\n\nregistry = Registry()\napp = FastAPI()\n\n\n"
        "@app.get('/price')\ndef price(x: float):\n    return registry.predict([[x]], 'a')[0]\n",
    ],
    ids=["filled by the lifespan", "filled by a registry"],
)
def test_a_model_kept_in_a_mapping_is_found(facts_of: FactsOf, app: str) -> None:
    head = "from contextlib import asynccontextmanager\n\nimport joblib\nfrom fastapi import FastAPI\n\n"
    assert [(c.kind, c.reachable) for c in facts_of({"app.py": head + app}).calls] == [("predict", True)]
