"""How quality is held: golden sets, metrics, gates, runs in CI, tests with a fake model."""
