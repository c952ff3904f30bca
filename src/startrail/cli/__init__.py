"""What a person types: parse, call, print; one file per word."""
