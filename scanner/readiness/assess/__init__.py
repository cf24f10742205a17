"""Facts and the catalogue in, verdicts and a score out."""
