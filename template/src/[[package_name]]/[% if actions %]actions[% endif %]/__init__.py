"""What the model may do in the world, and what a person must allow first."""
