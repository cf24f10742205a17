"""Masking: no report may carry a secret further than the file it was found in.

Every text that reaches a report passes through `mask`. It hides too much rather than too little: a masked word costs a
reader a look into the file, a printed key costs its owner a rotation.
"""

from __future__ import annotations

import re

MASK = "••••"

# What issuers promise about the look of their tokens. Bounded repeats only: the text is hostile.
_TOKENS = re.compile(
    r"""
      \b(?:sk|pk|rk|ak)[-_](?:[A-Za-z0-9]{1,12}[-_]){0,3}[A-Za-z0-9_-]{12,400}
    | \b(?:ghp|gho|ghu|ghs|ghr|glpat|github_pat|hf|npm|pypi|xox[abeprs]|xapp|dop_v1|gsk)[-_][A-Za-z0-9_-]{8,400}
    | \b(?:lsv2_pt|lsv2_sk|r8|pcsk|tvly|nvapi)[-_][A-Za-z0-9_-]{8,400}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bAIza[A-Za-z0-9_-]{30,60}
    | \bya29\.[A-Za-z0-9_-]{20,400}
    | \bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}
    | \beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,2000}(?:\.[A-Za-z0-9_-]{0,2000})?
    | -----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY-----[^\0]{0,4000}
    """,
    re.VERBOSE,
)

# `hf_hub_download`, `npm_config_cache`: short words in small letters are a name, whatever they begin with.
_NAME = re.compile(r"[a-z]{2,8}(?:_[a-z]{1,14}){1,8}")

# `scheme://user:password@host`: the password goes, the rest tells what it is.
_IN_URL = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s:/@'\"]{0,80}:)[^\s@/'\"{}$]{1,200}(?P<after>@)")

# `api_key = "…"`, `"password": "…"`, `TOKEN=…`: a value given to something that is named like a secret.
_NAMED = re.compile(
    r"""(?ix)
    (?P<before>
      (?:api[-_]?key|secret|token|passw(?:or)?d|pwd|credential|private[-_]?key|access[-_]?key|auth[-_]?key)
      [a-z0-9_-]{0,24} ["']? \s{0,4} [:=]{1,2} \s{0,4} [bfru]{0,2}(?P<quote>["'])
    )
    (?P<value>[^"'\n]{4,400})
    """,
)

# Forty mixed characters are a key more often than anything else. Digests (hex) are not: they pin images and actions.
_RANDOM = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{32,400}={0,2}(?![A-Za-z0-9+/_=-])")


def mask(text: str) -> str:
    """The text with everything that looks like a secret replaced by dots."""
    masked = _TOKENS.sub(lambda found: found[0] if _NAME.fullmatch(found[0]) else MASK, text)
    masked = _IN_URL.sub(lambda found: f"{found['before']}{MASK}{found['after']}", masked)
    masked = _NAMED.sub(_named, masked)
    return _RANDOM.sub(lambda found: MASK if _looks_random(found[0]) else found[0], masked)


def _named(found: re.Match[str]) -> str:
    value = found["value"]
    if MASK in value or "{" in value or value.startswith("$"):  # a placeholder is no secret, and it tells how to mend
        return found[0]
    return f"{found['before']}{MASK}"


def _looks_random(word: str) -> bool:
    """Upper case, lower case and several digits in one long word without the separators of a path or a name."""
    digits = sum(character.isdigit() for character in word)
    separators = sum(character in "/_-" for character in word)
    mixed = any(character.isupper() for character in word) and any(character.islower() for character in word)
    return mixed and digits >= 4 and separators * 12 <= len(word)
