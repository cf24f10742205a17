"""What is recorded: traces, tokens, audit, feedback."""
