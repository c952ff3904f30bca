"""Archives: files that hold files."""

from __future__ import annotations

ARCHIVES = ("zip", "tar")
"""Media of deliveries that are archives; ``tar`` also when it is compressed."""
_SUFFIXES = {".zip": "zip", ".tar": "tar", ".tar.gz": "tar", ".tgz": "tar", ".tar.zst": "tar", ".tzst": "tar"}


def archive_kind(name: str) -> str | None:
    """What kind of archive a file of this name is; None when it is none."""
    lower = name.lower()
    return next((kind for suffix, kind in _SUFFIXES.items() if lower.endswith(suffix)), None)


def member_name(archive: str, path: str) -> str:
    """How a file within an archive is called: ``june.zip/sales.csv``."""
    return f"{archive}/{path}"


def splits(name: str) -> list[tuple[str, str]]:
    """The ways in which a name may be that of a file within an archive."""
    found, at = [], name.find("/")
    while at >= 0:
        if archive_kind(name[:at]) is not None:
            found.append((name[:at], name[at + 1 :]))
        at = name.find("/", at + 1)
    return found


def neutral_path(path: str) -> str:
    """A path that stays within the archive: without ``.``, empty parts and the root; ``..`` becomes ``_``."""
    return "/".join("_" if part == ".." else part for part in path.split("/") if part not in ("", "."))
