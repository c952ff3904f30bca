"""The nouns: frozen values, one module per word. No input or output, no third-party types."""
