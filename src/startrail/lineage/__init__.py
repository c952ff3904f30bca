"""What SQL reads, writes and means; the only user of sqlglot."""
