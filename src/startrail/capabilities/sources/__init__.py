"""Sources: what feeds offer becomes deliveries, each landed once, never half."""
