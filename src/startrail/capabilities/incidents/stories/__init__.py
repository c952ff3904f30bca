"""The bank of stories: incidents that are over, told from facts, and people's own, kept as theirs."""
