"""Avro deliveries."""
