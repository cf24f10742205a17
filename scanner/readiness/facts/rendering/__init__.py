"""What becomes of model text on a page."""
