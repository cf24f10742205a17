"""Drafts: the messages that ask for one, and text made into one, whole or while it is still being written."""

from typing import Any

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_core import from_json

from ..answering.answer import Draft, Prompt

_SCHEMA = OutputObjectDefinition(json_schema=Draft.model_json_schema(), name="Draft")


class Malformed(Exception):
    """The text is no draft; the message says what is wrong with it, for the model to read."""


def opening(prompt: Prompt) -> list[ModelMessage]:
    """The messages of a first attempt."""
    return [ModelRequest(parts=[SystemPromptPart(prompt.system), UserPromptPart(prompt.user)])]


def asked_again(messages: list[ModelMessage], text: str, problem: str) -> list[ModelMessage]:
    """The messages that ask for the same draft once more, with what was wrong."""
    plea = f"That was not valid: {problem}. Reply again with nothing but the JSON object of the schema."
    said = ModelResponse(parts=[TextPart(text)])
    return [*messages, said, ModelRequest(parts=[UserPromptPart(plea)])]


def schema_for(model: Model[Any]) -> ModelRequestParameters:
    """How this model is held to the schema: by its provider where it can, else by the prompt alone."""
    if model.profile.get("supports_json_schema_output"):
        return ModelRequestParameters(output_mode="native", output_object=_SCHEMA)
    return ModelRequestParameters()


def parse_draft(text: str) -> Draft:
    """The draft in the text; code fences and words around it are ignored, a missing last brace is forgiven.

    Raises:
        Malformed: it cannot be read without guessing.
    """
    start, end = text.find("{"), text.rfind("}") + 1
    body = text[start : end if end > start else None] if start >= 0 else text
    try:
        found = from_json(body, allow_partial=True)
        draft = Draft.model_validate(found)
    except ValidationError as error:
        raise Malformed(error.errors()[0]["msg"]) from error
    except ValueError as error:
        raise Malformed(str(error)) from error
    if draft.answered and "citations" not in found:
        raise Malformed("the citations are missing")
    return draft


class GrowingAnswer:
    """The answer in a reply that is still being written; what it has given out can never be taken back."""

    def __init__(self) -> None:
        self._reply = ""
        self._shown = ""

    def feed(self, piece: str) -> str:
        """Take the next piece of the reply and give the new text of the answer, which may be none."""
        self._reply += piece
        start = self._reply.find("{")
        try:
            draft = (
                from_json(self._reply[start:].rstrip("`\n "), allow_partial="trailing-strings") if start >= 0 else {}
            )
        except ValueError:
            return ""
        # "answered" comes first: of a reply that says it is no answer, nothing is shown.
        answer = draft.get("answer") if draft.get("answered") is True else None
        if not isinstance(answer, str) or not answer.startswith(self._shown):
            return ""
        new, self._shown = answer.removeprefix(self._shown), answer
        return new
