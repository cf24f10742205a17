"""The documents: checked against a contract, kept in versions, split into passages and found again."""
