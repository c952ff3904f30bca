"""Metrics from and to other formats: MetricFlow's manifest and Apache Ossie."""
