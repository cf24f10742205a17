"""The request path: from a question to an answer that says where it comes from."""
