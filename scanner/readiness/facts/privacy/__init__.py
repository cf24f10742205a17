"""What becomes of the personal data in texts: who masks it, and what is written down of it."""
