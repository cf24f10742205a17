"""The HTTP interface: one module per noun, versioned by its path."""
