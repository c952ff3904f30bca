"""Tables as Apache Iceberg metadata. ``iceberg.IcebergTables`` serves the port; the rest of the room helps it."""
