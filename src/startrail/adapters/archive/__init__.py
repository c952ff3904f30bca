"""Archives and compressed files as streams."""
