"""Schedules: which ticks are due, who runs each of them once, and what became of the others."""
