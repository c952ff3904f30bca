"""Writers of report files, and the places they are delivered to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.model.destination import EmailDestination, FolderDestination, Place, S3Destination

if TYPE_CHECKING:
    from startrail.model.report import Report
    from startrail.ports.report import Destination, Parcel, Writer


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


def open_destination(
    place: Place, report: Report, parcel: Parcel, root: Path, secret: Callable[[str | None], str | None]
) -> Destination:
    """Where a report goes; relative paths start at ``root``, the project folder. ``secret`` resolves references.
    Raises MissingExtra, and what ``secret`` raises."""
    declared = place.destination
    if isinstance(declared, FolderDestination):
        from startrail.adapters.report.folder import Folder

        return Folder(root / Path(declared.path).expanduser())
    if isinstance(declared, S3Destination):
        from startrail.adapters.report.s3 import S3Folder

        return S3Folder(declared, access_key=secret(declared.access_key), secret_key=secret(declared.secret_key))
    if isinstance(declared, EmailDestination):
        from startrail.adapters.report.mail import Mail
        from startrail.adapters.report.mail_message import Letter

        return Mail(Letter(declared, report, parcel), place.to or "", root, password=secret(declared.password))
    try:
        from startrail.adapters.report.sftp import SftpFolder
    except ModuleNotFoundError as error:
        from startrail.adapters.report.errors import MissingExtra

        hint = "pip install 'startrail[sftp]'"
        raise MissingExtra("a destination of kind sftp needs a package that is not installed", hint=hint) from error
    secrets = {"key": secret(declared.key), "passphrase": secret(declared.passphrase), "password": secret(declared.password)}
    return SftpFolder(declared, root, **secrets)
