"""CSV, without the native reader."""
