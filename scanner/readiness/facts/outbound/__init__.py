"""Clients of other systems: databases, stores, web services, tools over the network."""
