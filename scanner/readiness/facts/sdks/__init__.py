"""What is known of the world: SDKs and models, read from `checks/knowledge/`."""
