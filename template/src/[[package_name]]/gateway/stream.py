"""The growing text of the answer, out of JSON that is still being written."""

from pydantic_core import from_json


class AnswerText:
    """Follows a reply; what it has given out can never be taken back."""

    def __init__(self) -> None:
        self.raw = ""
        self.shown = ""

    def feed(self, piece: str) -> str:
        """Take the next piece of the reply and give the new text of the answer, which may be none."""
        self.raw += piece
        start = self.raw.find("{")
        if start < 0:
            return ""
        try:
            draft = from_json(self.raw[start:].rstrip("`\n "), allow_partial="trailing-strings")
        except ValueError:
            return ""
        # "answered" comes first: of a reply that says it is no answer, nothing is shown.
        if not isinstance(draft, dict) or draft.get("answered") is not True or not isinstance(draft.get("answer"), str):
            return ""
        return self.grow(draft["answer"])

    def grow(self, answer: str) -> str:
        """What of the answer has not been shown yet."""
        if not answer.startswith(self.shown):
            return ""
        new = answer[len(self.shown) :]
        self.shown = answer
        return new
