"""Alerts: who is told of what, and that it arrives."""
