"""One file in, observations out: no file knows another, nothing is judged."""
