"""A demo of a service: nearly every check has something to say about it, and noise must change none of it."""

FILES = {
    "app.py": """\
import json

from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()
client = OpenAI()
PROMPT = "You are a helpful assistant of an appliance shop. Answer the question of the customer as JSON, politely."


@app.post("/ask")
async def ask(question: str):
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "system", "content": PROMPT}, {"role": "user", "content": question}]
    )
    return json.loads(answer.choices[0].message.content)


@app.post("/agent")
async def agent(question: str):
    messages = [{"role": "user", "content": question}]
    while True:
        answer = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS)
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content
        for call in message.tool_calls:
            messages.append({"role": "tool", "content": str(refund(**json.loads(call.function.arguments)))})


def refund(order: str, amount: float):
    import stripe

    return stripe.Refund.create(charge=order, amount=int(amount * 100))


TOOLS = [{"type": "function", "function": {"name": "refund", "description": "Give money back."}}]
""",
    "requirements.txt": "fastapi==0.115.0\nopenai==1.50.0\nstripe==11.0.0\nuvicorn==0.30.0\n",
    "README.md": "# Appliance answers\n\nRun `uvicorn app:app`.\n",
    "tests/test_app.py": "from app import refund\n\n\ndef test_refund():\n    assert refund\n",
}
