"""What can go wrong in the exchange of metrics."""

from __future__ import annotations

from startrail.base.errors import ModelError, UsageError


class NotAManifest(ModelError):
    """A file is not what ``--from`` says: no MetricFlow manifest, or no Apache Ossie document.

    MetricFlow's manifest is ``semantic_manifest.json``, which dbt writes into ``target/``. An Ossie document is YAML
    or JSON with ``version`` and ``semantic_model``.
    """

    code = "ST448"


class MetricThere(UsageError):
    """A file that would be written is there already.

    Add ``--force`` to replace it, name another folder with ``--out``, or another namespace with ``--prefix``.
    """

    code = "ST449"
