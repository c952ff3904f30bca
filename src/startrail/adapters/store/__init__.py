"""Stores: bytes under keys on a local disk or in an object store."""
