"""Finds the passages of the policies that fit a question."""

import json
from pathlib import Path

import numpy as np
from openai import OpenAI

client = OpenAI()
INDEX = Path("index.json")


def embed(texts):
    response = client.embeddings.create(model="text-embedding-3-small", input=texts)
    return [item.embedding for item in response.data]


def find(question, count=3):
    passages = json.loads(INDEX.read_text())
    wanted = np.array(embed([question])[0])
    passages.sort(key=lambda passage: -float(np.dot(wanted, np.array(passage["vector"]))))
    return [passage["text"] for passage in passages[:count]]
