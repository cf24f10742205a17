"""Reads the policies and writes the search index. Run it again when a policy changes."""

import json
from pathlib import Path

from search import INDEX, embed


def main():
    passages = []
    for policy in Path("policies").glob("*.md"):
        passages += [part for part in policy.read_text().split("\n\n") if part.strip()]
    vectors = embed(passages)
    INDEX.write_text(json.dumps([{"text": t, "vector": v} for t, v in zip(passages, vectors)]))
    print(f"{len(passages)} passages")


if __name__ == "__main__":
    main()
