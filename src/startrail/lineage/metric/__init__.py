"""A metric's definition as a syntax tree, and as one SELECT."""
