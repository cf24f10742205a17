"""The database: one engine, one set of tables, SQLite or PostgreSQL."""
