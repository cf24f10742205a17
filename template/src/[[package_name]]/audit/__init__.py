"""The record of who did what, when and with what: append-only, and it shows when somebody touched it."""
