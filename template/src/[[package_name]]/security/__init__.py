"""Who may do what: keys and scopes, rate limits, the console's login, and headers that hold the browser to it."""
