"""Startrail."""
