"""What agents may do: their tools, what those do to the world, who is asked first, and how far they reach."""
