"""Proposed contracts, tried on deliveries that landed."""
