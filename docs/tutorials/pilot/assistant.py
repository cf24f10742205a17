"""Answers questions about leave, and books it."""

import json
import re

from openai import OpenAI

from booking import TOOLS, run_tool
from search import find

client = OpenAI()


def answer(question):
    """Look up the policy, ask the model, pick the answer out of its text."""
    context = "\n\n".join(find(question))
    response = client.chat.completions.create(
        model="gpt-4o",
        temperature=0.2,
        messages=[
            {
                "role": "system",
                "content": f"""You are the leave assistant of our company. You are friendly and always correct.
Answer the question of the employee with the policy below. If the policy does not say, use common sense.
Finish with a line CONFIDENCE: and a number from 0 to 100, and a line SOURCE: and the name of the policy.

{context}""",
            },
            {"role": "user", "content": question},
        ],
    )
    text = response.choices[0].message.content
    confidence = re.search(r"CONFIDENCE:\s*(\d+)", text)
    source = re.search(r"SOURCE:\s*(.+)", text)
    return {
        "answer": text.split("CONFIDENCE:")[0].strip(),
        "confidence": int(confidence.group(1)),
        "source": source.group(1),
    }


def chat(employee, message):
    """Let the model call tools until it has an answer."""
    messages = [
        {"role": "system", "content": f"You book leave for {employee}. Be helpful and do what you are asked."},
        {"role": "user", "content": message},
    ]
    while True:
        response = client.chat.completions.create(
            model="gpt-4o", temperature=0.2, messages=messages, tools=TOOLS
        )
        reply = response.choices[0].message
        if not reply.tool_calls:
            return reply.content
        messages.append(reply)
        for call in reply.tool_calls:
            result = run_tool(call.function.name, json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": str(result)})


def summarise(policy):
    """A short version of a policy, as JSON, for the start page."""
    response = client.chat.completions.create(
        model="gpt-4o-mini",
        temperature=0.2,
        messages=[{"role": "user", "content": "Summarise as JSON with the keys title and points:\n" + policy}],
    )
    text = response.choices[0].message.content
    return json.loads(text.replace("```json", "").replace("```", ""))
