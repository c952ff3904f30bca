"""HTTP: pages, and files."""
