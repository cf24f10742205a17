"""The whole service at work in a few seconds, with no key and no network."""
