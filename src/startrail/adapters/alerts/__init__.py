"""Endpoints that take alerts, one module per kind. ``post`` is the one way out to HTTP, and ``guard`` stands before it."""
