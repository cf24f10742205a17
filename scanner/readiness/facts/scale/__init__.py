"""What holds under load: event loops, clients, limits, budgets, caches, fan-outs and servers of one's own."""
