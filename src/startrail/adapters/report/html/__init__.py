"""HTML: one self-contained page with a table and a chart, readable by everyone, without script or network."""
