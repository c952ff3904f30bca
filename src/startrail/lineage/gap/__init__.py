"""Two metrics side by side: where their texts differ, and the one query that values every mixture."""
