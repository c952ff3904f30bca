"""The files of a project folder: which there are, their bytes, and one digest over them all."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from startrail.base.errors import StartrailError, raise_all
from startrail.base.ids import digest, fingerprint
from startrail.base.span import Span
from startrail.project import errors

ROOT_FILE = "startrail.yml"
YAML = (".yml", ".yaml")
FOLDERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "sources": (YAML, False),
    "contracts": ((".odcs.yml", ".odcs.yaml"), False),
    "contracts/repairs": (YAML, False),
    "models": ((".sql",), True),
    "metrics": (YAML, True),
    "reports": (YAML, False),
    "tests": (YAML, True),
    "schedules": (YAML, False),
    "incidents": (YAML, False),
}
"""Per folder the endings of its declarations, and whether it has folders inside."""

_LOOKS_DECLARED = (".yml", ".yaml", ".sql")
_READ_LIMIT = 1024 * 1024 + 1


class ProjectFile(msgspec.Struct, frozen=True):
    """One file as it was read; ``path`` is relative to the project folder, with slashes. At most a byte more than 1 MiB."""

    path: str
    sha256: str
    data: bytes

    @property
    def folder(self) -> str:
        folder = self.path.rpartition("/")[0]
        return folder if folder in FOLDERS else self.path.partition("/")[0]


def digest_of(root: Path) -> tuple[str, tuple[ProjectFile, ...]]:
    """A digest that changes with any declaration, and the files it covers, in order of path. Parses nothing."""
    if not (root / ROOT_FILE).is_file():
        other = root / "startrail.yaml"
        hint = f"rename {other.name} to {ROOT_FILE}" if other.is_file() else "change into a project, or make one: startrail init"
        raise errors.NoProject(f"no {ROOT_FILE} in {root}", hint=hint)
    problems: list[StartrailError] = []
    files = [file for file in [_read(root, ROOT_FILE, problems)] if file is not None]
    for folder, (endings, deep) in FOLDERS.items():
        if (root / folder).is_dir():
            _walk(root, folder, endings, deep, files, problems)
    raise_all(problems)
    files.sort(key=lambda file: file.path)
    return fingerprint(*((file.path, file.sha256) for file in files)), tuple(files)


def _walk(
    root: Path, folder: str, endings: tuple[str, ...], deep: bool, files: list[ProjectFile], problems: list[StartrailError]
) -> None:
    try:
        entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(_unreadable(folder, error))
        return
    for entry in entries:
        path = f"{folder}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if path in FOLDERS and entry.is_dir(follow_symlinks=False):
            continue
        if entry.is_dir(follow_symlinks=False):
            _walk(root, path, endings if deep else (), deep, files, problems)
        elif entry.is_symlink() and not _stays_inside(root, path):
            problems.append(
                errors.FileUnreadable(
                    f"{path} is a link that leads out of the project or to a folder",
                    at=Span(path),
                    hint="copy it into the project",
                )
            )
        elif entry.name.endswith(endings) and endings:
            file = _read(root, path, problems)
            if file is not None:
                files.append(file)
        elif entry.name.lower().endswith(_LOOKS_DECLARED):
            problems.append(errors.FileIgnored(f"nothing reads {path}", at=Span(path), hint=_where_to(folder, endings)))


def _where_to(folder: str, endings: tuple[str, ...]) -> str:
    top = folder if folder in FOLDERS else folder.partition("/")[0]
    if not endings:
        return f"move it to {top}/"
    return f"name it *{endings[0]}, or move it out of {top}/"


def _stays_inside(root: Path, path: str) -> bool:
    try:
        target = (root / path).resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return target.is_file() and target.is_relative_to(root.resolve())


def _read(root: Path, path: str, problems: list[StartrailError]) -> ProjectFile | None:
    """Bounded, and never from anything but a plain file: a pipe would wait for ever."""
    full = root / path
    try:
        if not full.is_file():
            problems.append(errors.FileUnreadable(f"{path} is not a plain file", at=Span(path), hint="replace it by a file"))
            return None
        with full.open("rb") as stream:
            data = stream.read(_READ_LIMIT)
    except OSError as error:
        problems.append(_unreadable(path, error))
        return None
    return ProjectFile(path, digest(data), data)


def _unreadable(path: str, error: OSError) -> StartrailError:
    reason = (error.strerror or type(error).__name__).lower()
    return errors.FileUnreadable(f"{path} cannot be read: {reason}", at=Span(path), hint="check its permissions")
