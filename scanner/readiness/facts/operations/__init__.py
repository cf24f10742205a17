"""What operators have of the service: its metrics, logs, alerts, promises, runbooks, and what watches its quality."""
