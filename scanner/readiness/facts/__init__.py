"""All observations in, typed facts about the whole repository out: what is there, without opinion.

`core.link` joins what was read into one program (`linking`, with what `sdks` knows of the world); `facts.gather` asks
every family of facts (`calls`, `flows`, `inputs`, `failures`, `evals`, `records`, …) for the vocabulary of the checks.
"""
