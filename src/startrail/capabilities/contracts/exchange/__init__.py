"""Contracts in other words: ODCS text written, and JSON Schema, Avro and Arrow read and written.

All of it is translation between values. A translation never drops a promise silently: what the other form
cannot hold comes back as a :class:`~startrail.capabilities.contracts.exchange.losses.Loss`.
"""
