"""What happens when a model fails: handling, retries, fallbacks, bounds."""
