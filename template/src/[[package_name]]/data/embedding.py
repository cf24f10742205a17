"""Texts as vectors, without a model.

The embedding is LEXICAL: it hashes words and word pairs, so it knows the same words again and nothing of their meaning.
"""

import hashlib
import math
import re
import unicodedata
from itertools import pairwise

DIMENSIONS = 256
_FILLERS = """
a an the i me my we us our you your it its he she they them their this that these those is am are was were be been do
does did have has had will would can could shall should may might must of to in on at for from by with as and or if
then than so too also just please there here about into any some s t
"""
_QUESTION_WORDS = "how what who whom whose when where which why not no long much many often get need"
_WORD = re.compile(r"\w+")
_FILLER_SET, _QUESTION_SET = frozenset(_FILLERS.split()), frozenset(_QUESTION_WORDS.split())


def words(text: str) -> list[str]:
    """The words that carry a text, in a common form ("Dryers" is "dryer"); negations and question words are kept."""
    found = [word for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()) if word not in _FILLER_SET]
    return [_stem(word) for word in found]


def content_words(text: str) -> list[str]:
    """The words by which a document can be found: `words` without those that only make it a question."""
    return [word for word in words(text) if word not in _QUESTION_SET]


def embed(text: str) -> list[float]:
    """A unit vector of DIMENSIONS numbers, the same on every machine; all zeros for a text without words."""
    vector, terms = [0.0] * DIMENSIONS, words(text) or _WORD.findall(text.casefold())
    pairs = [f"{first} {second}" for first, second in pairwise(terms)]
    for feature, weight in [(term, 1.0) for term in terms] + [(pair, 0.5) for pair in pairs]:
        digest = int.from_bytes(hashlib.blake2b(feature.encode(errors="replace"), digest_size=8).digest(), "big")
        vector[digest % DIMENSIONS] += weight if digest >> 63 else -weight
    length = math.sqrt(sum(number * number for number in vector))
    return [number / length for number in vector] if length else vector


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word
