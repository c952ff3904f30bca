"""Profile to adapters: the one place that knows which adapter serves which port."""
