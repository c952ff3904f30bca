"""Readers of schema languages that have a parser of their own: Avro's package, and protoc."""
