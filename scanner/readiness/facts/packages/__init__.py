"""What is installed: manifests, locks, and which of them is used."""
