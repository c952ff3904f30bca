"""Buckets: listed, or told of by a queue."""
