"""Every call of a model, with the settings that apply to it."""
