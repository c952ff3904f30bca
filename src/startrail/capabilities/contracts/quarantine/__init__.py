"""Refused rows: where they stand, and how they come back."""
