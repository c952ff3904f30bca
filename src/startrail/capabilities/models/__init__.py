"""SQL models in partitions: what is stale, how it is built, what must hold before it is published."""
