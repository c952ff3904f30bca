"""What kind of content a report's file has, for servers and mail programs."""

from __future__ import annotations

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def media_type(name: str) -> str:
    """Of a file by its name, as it stands in a Content-Type."""
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
