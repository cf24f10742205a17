"""What people can do about a model: set an answer aside, and switch the model off."""
