"""SQL read without running it: what it depends on, and in which order models must be built.

``analyse`` is the door to one text, ``graph`` orders many. Importing either is free: sqlglot is loaded by the
first call of :func:`startrail.lineage.analyse.analyse`.
"""
