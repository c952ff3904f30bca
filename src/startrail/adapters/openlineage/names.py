"""What datasets, jobs and runs are called: physical places, as the OpenLineage naming convention has it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from startrail.lineage.formats import PRODUCER
from startrail.model.address import address
from startrail.model.destination import EmailDestination, S3Destination, SftpDestination
from startrail.model.profile import LocalStore, Profile
from startrail.model.project import Project
from startrail.model.report import Report
from startrail.model.source import Feed, FolderFeed, FtpFeed, FtpsFeed, PostgresFeed, S3Feed, SftpFeed

Name = tuple[str, str]
"""A namespace, and a name in it."""

_RUNS = uuid5(NAMESPACE_URL, PRODUCER)
_FILES = "file"


class Names:
    """Names of one project under one profile. Tables are where their files are, so that other tools mean the same."""

    def __init__(self, project: Project, profile: Profile) -> None:
        self._project, self._profile = project, profile
        self._root = Path(project.root)
        self._views = frozenset(name for name, model in project.models.items() if model.kind == "view")
        declared = profile.openlineage
        self.jobs = declared.namespace if declared is not None and declared.namespace else project.name

    def run_job(self) -> Name:
        """The job that a whole run is an instance of."""
        return self.jobs, self._project.name

    def step_job(self, kind: str, subject: str) -> Name:
        """The job that a step is an instance of, whatever its partition."""
        return self.jobs, f"{self._project.name}.{kind}.{subject}"

    def run_id(self, run: str) -> UUID:
        """Always the same for the same run."""
        return uuid5(_RUNS, f"{self.jobs}\n{self._project.name}\n{run}")

    def step_id(self, run: str, kind: str, subject: str, partition: str) -> UUID:
        """Always the same for the same step of the same run."""
        return uuid5(self.run_id(run), f"{kind}\n{subject}\n{partition}")

    def dataset(self, name: str) -> Name:
        """Of a table as it is called, of ``source:NAME``, of ``report:NAME``."""
        kind, colon, rest = name.partition(":")
        if colon and kind == "source" and rest in self._project.sources:
            return self._feed(self._project.sources[rest].feed)
        if colon and kind == "report" and rest in self._project.reports:
            return self._report(self._project.reports[rest])
        return self._table(name)

    def symlink(self, name: str) -> Name | None:
        """What a table is called in SQL; None for what has no such name beside its place."""
        return None if ":" in name or name in self._views else (self.jobs, name)

    def _table(self, name: str) -> Name:
        if name in self._views or "." not in name:
            return self.jobs, name
        store, place = self._profile.store, f"tables/{name.replace('.', '/')}"
        if isinstance(store, LocalStore):
            return _FILES, str((self._root / store.path / place).resolve())
        return f"s3://{store.bucket}", f"{store.prefix.strip('/')}/{place}".lstrip("/")

    def _feed(self, feed: Feed) -> Name:
        if isinstance(feed, FolderFeed):
            return _FILES, str((self._root / feed.path).resolve())
        if isinstance(feed, FtpFeed):
            return f"ftp://{feed.host}:{feed.port}", feed.path
        if isinstance(feed, FtpsFeed):
            return f"ftps://{feed.host}:{feed.port or (990 if feed.implicit else 21)}", feed.path
        if isinstance(feed, SftpFeed):
            return f"sftp://{feed.host}:{feed.port}", feed.path
        if isinstance(feed, S3Feed):
            return f"s3://{feed.bucket}", feed.prefix.strip("/") or "/"
        if isinstance(feed, PostgresFeed):
            return "postgres", feed.table or "query"
        parts = urlsplit(feed.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}", parts.path or "/"

    def _report(self, report: Report) -> Name:
        """``{date}`` stays as it is: the reports of all days are one dataset."""
        file = report.file or f"{report.name.rpartition('/')[2]}_{{date}}.{report.format}"
        to = report.places()[0].destination
        if isinstance(to, S3Destination):
            return f"s3://{to.bucket}", f"{to.prefix.strip('/')}/{file}".lstrip("/")
        if isinstance(to, SftpDestination):
            return f"sftp://{to.host}:{to.port}", f"{to.path.rstrip('/')}/{file}"
        if isinstance(to, EmailDestination):
            return "mailto", address(to.sender).mailbox + "/" + file
        return _FILES, str((self._root / to.path).resolve() / file)
