"""What the assistant can do: the tools the model may call."""

import os

import requests

HR_API = os.getenv("HR_API", "http://localhost:9000")

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "book_leave",
            "description": "Book leave for an employee",
            "parameters": {
                "type": "object",
                "properties": {
                    "employee": {"type": "string"},
                    "first_day": {"type": "string"},
                    "last_day": {"type": "string"},
                },
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "calculate",
            "description": "Work out a number, for example how many days are left",
            "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}},
        },
    },
]


def book_leave(employee, first_day, last_day):
    response = requests.post(f"{HR_API}/leave", json={"employee": employee, "from": first_day, "to": last_day})
    return response.json()


def calculate(expression):
    return eval(expression)


def run_tool(name, arguments):
    if name == "book_leave":
        return book_leave(**arguments)
    return calculate(arguments["expression"])
