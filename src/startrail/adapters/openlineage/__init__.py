"""A run told as OpenLineage events: what happened (listener), in their words (messages, facets, names), and on its way
to whoever wants to know (journal, sender, file and http receiver)."""
