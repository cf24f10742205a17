"""From a thumbs-down to a measured improvement."""
