"""What the service says about itself: traces, metrics, logs, and the three domains on one page."""
