"""The one way to a model: time, money, retries, breakers and fallbacks are decided here and nowhere else."""
