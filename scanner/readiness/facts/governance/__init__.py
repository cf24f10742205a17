"""Who answers for it, and what must not be in the tree."""
