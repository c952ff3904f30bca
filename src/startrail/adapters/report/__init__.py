"""Writers of report files, and the places they are delivered to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from startrail.model.report import FolderDestination

if TYPE_CHECKING:
    from startrail.ports.report import Destination, Writer


def open_writer(format: str) -> Writer:
    """The writer of ``csv``, ``parquet``, ``xlsx`` or ``html``. Raises MissingExtra."""
    if format == "csv":
        from startrail.adapters.report.csv_file import CsvWriter

        return CsvWriter()
    if format == "xlsx":
        from startrail.adapters.report.xlsx import open_xlsx

        return open_xlsx()
    if format == "html":
        from startrail.adapters.report.html.page import HtmlWriter

        return HtmlWriter()
    if format == "parquet":
        from startrail.adapters.report.parquet import ParquetWriter

        return ParquetWriter()
    raise ValueError(f"no writer for {format}")


def open_destination(destination: FolderDestination, root: Path) -> Destination:
    """Where a report goes; relative paths start at ``root``, the project folder."""
    from startrail.adapters.report.folder import Folder

    return Folder(root / Path(destination.path).expanduser())
