"""Parquet deliveries."""
