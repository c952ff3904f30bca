"""Contracts: the exact meaning of text, the judge of one record, and loading a delivery under a contract."""
