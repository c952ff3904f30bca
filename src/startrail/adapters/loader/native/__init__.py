"""The native reader, where it is built."""
