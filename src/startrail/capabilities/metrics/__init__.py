"""Metrics: the dictionary, and the value of each entry with its trail."""
