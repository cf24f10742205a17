"""What the name of a secret setting and its value look like; used wherever a setting is given a literal.

A value is looked at and let go: what is kept of it is its length and its `Strength`, never a hash (that of a short
password can be reversed).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Literal


class Strength(StrEnum):
    """What a value looks like."""

    NOTHING = "nothing"
    """Empty, or a reference to where the value is (`${KEY}`, `os.environ/KEY`, `/run/secrets/key`)."""
    PLACEHOLDER = "placeholder"
    """Cannot be meant: `<key>`, `xxx`, `sk-...`, `not-needed`."""
    ADVICE = "advice"
    """Asks to be replaced; left in place, it works as a key that only this service knows: `your-secret`."""
    WORD = "word"
    """A word (`postgres`, `changeme`): works only where the service itself decides what is right."""
    GENERATED = "generated"
    """Long and irregular enough to have been issued."""


_REFERENCE = re.compile(
    r"^(?:\$|\{|%|@|!|~|/|\./|\.\./|env:|env\.|file:|vault:|arn:|projects/|op://|secretref:|os\.environ|process\.env|secrets\."
    r"|[A-Za-z_][\w.]*\(|ref\+|ENC\[|AQICAH|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|TOKEN|SECRET|PASSWORD|PASS|PWD|CREDENTIALS?)$)"
)
_EMPTY = frozenset({"", "none", "null", "nil", "undefined", "true", "false", "~", "0", "1", "|", ">", "|-", ">-"})
_PLACEHOLDER = re.compile(
    r"[<>\[\]{}*…]|\.\.\.|xxx|\b(?:todo|tbd|n/a)\b|placeholder|redacted|masked|no[_-]?key|unused"
    r"|not[_-]?(?:needed|used|required|set)",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"your|here$|replace|insert|(?:^|[_-])(?:enter|put|paste|fill|generate|add|my)(?:[_-]|$)", re.IGNORECASE
)
_ANYBODY = re.compile(r"^(?:user(?:name)?:(?:pass(?:word)?|pwd)|login:password)$", re.IGNORECASE)
INVENTED = re.compile(
    r"example|test|fake|dummy|sample|mock|demo|your|xxxx|placeholder|redact|change|secret|apikey|api[_-]key|password|invalid"
    r"|abcdef|qwerty|012345|123456|987654|deadbeef",
    re.IGNORECASE,
)
_SAME = re.compile(r"(.)\1{4}")
_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_RISING = re.compile(r"[a-z][A-Z]")
_CAPITALS = re.compile(r"[A-Z]{2}")
_UUID = re.compile(r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", re.IGNORECASE)
_URL = re.compile(
    r"(?<![A-Za-z])(?P<scheme>[a-z][a-z0-9+.-]{1,30})://(?P<user>[^\s:/@'\"<>]{0,80}):(?P<password>[^\s/@'\"<>]{1,120})@(?P<host>[^\s/'\"]+)",
    re.IGNORECASE,
)


def strength(value: str) -> Strength:
    """What a literal looks like.

    Generated means at least 16 characters, no blank, two kinds of characters, at least 3 bits of entropy for each, and
    nothing that people type into samples. A UUID is a name more often than a key, so it is a word.
    """
    text = value.strip()
    if text.lower() in _EMPTY or _REFERENCE.match(text) or "${{" in text or "{{" in text:
        return Strength.NOTHING
    if _PLACEHOLDER.search(text):
        return Strength.PLACEHOLDER
    if _ADVICE.search(text):
        return Strength.ADVICE
    if len(text) >= 16 and not re.search(r"\s", text) and not _UUID.match(text) and _is_irregular(text):
        return Strength.GENERATED
    return Strength.WORD


def url_password(value: str) -> Strength:
    """What the password inside an address looks like; NOTHING where there is none (`scheme://user:password@host`).

    `user:password` is advice: the pair every manual prints.
    """
    found = _URL.search(value)
    if found is None or any(mark in found["user"] + found["host"] for mark in "{}<>$%"):
        return Strength.NOTHING
    looks = strength(found["password"])
    if looks is Strength.ADVICE or found["scheme"] == "driver":
        return Strength.PLACEHOLDER
    return Strength.ADVICE if _ANYBODY.match(f"{found['user']}:{found['password']}") else looks


def mask(value: str) -> str:
    """How a value may be shown: by its length alone."""
    return f"{len(value.strip())} characters, hidden"


def _is_irregular(text: str) -> bool:
    if INVENTED.search(text) or is_repeated(text) or has_sequence(text):
        return False
    return _longest_piece(text) >= 8 and entropy(text) >= 3.0


def _longest_piece(text: str) -> int:
    """The longest piece between separators that mixes letters with digits or cases; words joined by dashes have none.

    Camel case is no mixture; capitals in a row among small letters are.
    """
    longest = 0
    for piece in _SEPARATORS.split(text):
        digits = any(c.isdigit() for c in piece) and any(c.isalpha() for c in piece)
        cases = len(_RISING.findall(piece)) >= 3 and _CAPITALS.search(piece) is not None
        if digits or cases:
            longest = max(longest, len(piece))
    return longest


def has_sequence(text: str, length: int = 7) -> bool:
    """Whether as many characters stand in the order of the alphabet or of the numbers, or both in turns (`a1b2c3`)."""
    if _rises(text, length):
        return True
    kinds = ("".join(filter(str.isalpha, text)).lower(), "".join(filter(str.isdigit, text)))
    return all(_rises(kind, length - 1) for kind in kinds)


def _rises(text: str, length: int) -> bool:
    run = 1
    for before, after in pairwise(text):
        run = run + 1 if ord(after) - ord(before) == 1 else 1
        if run >= length:
            return True
    return False


def is_repeated(text: str) -> bool:
    """Whether one character stands five times in a row."""
    return _SAME.search(text) is not None


def entropy(text: str) -> float:
    """Shannon entropy in bits for each character."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values()) if total else 0.0


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ENDINGS = (
    ("secret",),
    ("secret", "key"),
    ("secret", "access", "key"),
    ("secret", "token"),
    ("password",),
    ("passwd",),
    ("pwd",),
    ("passphrase",),
    *(
        (word, "pass")
        for word in ("db", "user", "admin", "root", "auth", "login", "smtp", "mail", "redis", "mysql", "postgres")
    ),
    ("token",),
    ("api", "key"),
    ("apikey",),
    ("api", "secret"),
    ("access", "key"),
    ("private", "key"),
    ("signing", "key"),
    ("encryption", "key"),
    ("fernet", "key"),
    ("master", "key"),
    ("auth", "key"),
    ("jwt", "key"),
    ("session", "key"),
    ("account", "key"),
    ("credential",),
    ("credentials",),
    ("pgpassword",),
    ("adminpassword",),
    ("rootpassword",),
)
# Words that make of a "password", "secret" or "key" something else: a label, a message, a test, a reference.
_NO_SECRET = frozenset(
    word
    for words in (
        "hashed hash encrypted invalid wrong forgot forgotten reset missing incorrect expired bad no has is",
        "show hide confirm repeat verify validate get set new update change generate create use enable enabled disable",
        "require required allow type id name by public csrf cancel cancellation fake dummy mock test tests",
        "existing pull ref string min max",
    )
    for word in words.split()
)
# Words that make of a "token" a piece of text or a position in a list.
_NO_TOKEN = frozenset(
    word
    for words in (
        "num count limit total per next page first last continuation start stop end special prompt completion",
        "eos bos pad unk sep cls mask input output image audio text time",
    )
    for word in words.split()
)

_KEPT_ELSEWHERE = frozenset({"tls", "existing", "pull", "ingress", "certificate", "cert", "registry"})


def secret_words(name: str) -> tuple[str, ...]:
    """The words of a setting's name in lower case: `OPENAI_API_KEY` and `openaiApiKey` are ("openai", "api", "key")."""
    return tuple(word.lower() for word in _WORDS.findall(name.rsplit(".", 1)[-1]))


@lru_cache(maxsize=8192)
def secret_name(name: str) -> bool:
    """Whether a setting of this name holds a secret: it ends in one of the nouns for secrets.

    `MAX_TOKENS`, `token_url`, `tokenizer`, `PASSWORD_MIN_LENGTH`, `secret_name` and `KEY_FILE` end in something else;
    `eos_token`, `reset_password` and `TEST_PASSWORD` are named for what they are instead. `tlsSecret` and
    `existingSecret` of a chart name the object of Kubernetes that holds the secret.
    """
    words = secret_words(name)
    if words and words[-1].isdigit():
        words = words[:-1]
    if not any(words[-len(ending) :] == ending for ending in _ENDINGS):
        return False
    if words[-1] == "secret" and words[-2:-1] and words[-2] in _KEPT_ELSEWHERE:
        return False
    return not _NO_SECRET.intersection(words) and not ("token" in words and _NO_TOKEN.intersection(words))


_VENDORS = frozenset(
    word
    for words in (
        "openai anthropic azure google gemini vertex vertexai aws bedrock cohere mistral groq hf hugging huggingface",
        "jina voyage voyageai replicate together fireworks perplexity deepseek nvidia xai openrouter litellm portkey",
        "elevenlabs deepgram assemblyai stability langfuse langsmith langchain helicone wandb comet neptune kaggle",
        "pinecone weaviate zilliz tavily serp serper serpapi brave bing exa firecrawl apify unstructured llama dagshub",
        "stripe paypal twilio sendgrid mailgun resend slack discord telegram github gitlab bitbucket jira confluence",
        "notion linear hubspot salesforce zendesk shopify sentry datadog newrelic auth0 okta clerk supabase firebase",
        "cloudinary algolia mapbox openweathermap newsapi reddit twitter facebook linkedin youtube spotify databricks",
        "snowflake smtp email mail imap ftp client oauth webhook proxy pypi npm docker dockerhub ghcr llm embedding",
        "embeddings",
    )
    for word in words.split()
)
_STORES = frozenset(
    word
    for words in (
        "postgres postgresql pg pgpassword pgvector db database mysql mariadb mssql sa sqlalchemy mongo mongodb redis",
        "neo4j cassandra clickhouse influxdb elastic elasticsearch opensearch minio milvus qdrant rabbitmq amqp broker",
    )
    for word in words.split()
)


def accepted_by(name: str) -> Literal["service", "store", "other"] | None:
    """Who decides whether the value of a setting of this name is right.

    "service": the service itself (a signing key, an admin's password), so that any text works. "store": a database that
    is started with the same text. "other": somebody else's service, so that only an issued value works. None where the
    name does not tell (`API_KEY`, `AUTH_TOKEN`): the code has to.
    """
    words = secret_words(name)
    if _STORES.intersection(words):
        return "store"
    if _VENDORS.intersection(words):
        return "other"
    last = words[-1] if words else ""
    if last in ("secret", "password", "passwd", "pwd", "pass", "passphrase", "adminpassword", "rootpassword"):
        return "service"
    ending = words[-2:]
    if ending in (("secret", "key"), ("signing", "key"), ("encryption", "key"), ("fernet", "key"), ("master", "key")):
        return "service"
    if ending in (("secret", "token"), ("jwt", "key"), ("session", "key")):
        return "service"
    return None
