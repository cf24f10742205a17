"""The web side of the leave assistant."""

import json
import os
import sqlite3
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

from assistant import answer, chat, summarise

ADMIN_TOKEN = os.getenv("ADMIN_TOKEN", "leave-admin-2024")
PAGE = Path("static/index.html")

app = FastAPI(title="Leave Assistant")
store = sqlite3.connect("answers.db", check_same_thread=False)
store.execute("CREATE TABLE IF NOT EXISTS feedback (question TEXT, answer TEXT, liked INTEGER)")


@app.get("/")
def home():
    return HTMLResponse(PAGE.read_text())


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/policies")
def policies():
    return [summarise(policy.read_text()) for policy in Path("policies").glob("*.md")]


@app.post("/ask")
async def ask(request: Request):
    body = await request.json()
    result = answer(body["question"])
    print("question:", body["question"], "answer:", result)
    return result


@app.post("/chat")
async def talk(request: Request):
    body = await request.json()
    return {"answer": chat(body["employee"], body["message"])}


@app.post("/feedback")
async def feedback(request: Request):
    body = await request.json()
    store.execute(
        "INSERT INTO feedback VALUES (?, ?, ?)",
        (body["question"], body["answer"], int(body["liked"])),
    )
    store.commit()
    return {"status": "thanks"}


@app.get("/admin/feedback")
def all_feedback(token: str):
    if token != ADMIN_TOKEN:
        raise HTTPException(status_code=403)
    rows = store.execute("SELECT question, answer, liked FROM feedback").fetchall()
    return json.loads(json.dumps(rows))
