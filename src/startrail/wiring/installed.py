"""Which installed packages of other people a set of modules needs."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import PurePosixPath

import msgspec

from startrail.capabilities.sources.bundle.errors import NotVendorable

_THERE = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six"})
"""What the cloud's own Python has."""
_MACHINES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_LIBC = 34
"""glibc 2.34, of Amazon Linux 2023."""
_TAG = re.compile(r"manylinux(?:_2_(?P<minor>\d+)|(?P<old>1|2010|2014))_(?P<machine>\w+)$")


class Needed(msgspec.Struct, frozen=True):
    """One package. ``direct``: imported by us; the others are needed by these."""

    name: str
    pin: str
    direct: bool


def needed(modules: Iterable[str]) -> tuple[Needed, ...]:
    """Packages of these top-level modules, and what they need in turn, in order of names. Raises NotVendorable."""
    homes = metadata.packages_distributions()
    extras = _own_extras()
    direct: set[str] = set()
    for module in modules:
        if module not in homes:
            raise _not_here(module)
        direct.update(_canonical(name) for name in homes[module])
    direct -= _THERE
    found: dict[str, set[str]] = {}
    waiting = [(name, extras.get(name, frozenset())) for name in sorted(direct)]
    while waiting:
        name, wanted = waiting.pop()
        if name in found and wanted <= found[name]:
            continue
        found.setdefault(name, set()).update(wanted)
        waiting += (each for each in _requires(name, wanted) if each[0] not in _THERE)
    return tuple(Needed(name, _pin(name, extras.get(name, frozenset())), name in direct) for name in sorted(found))


def vendored_files(packages: Iterable[Needed], architecture: str) -> dict[str, bytes]:
    """The files of these packages as they are installed. Raises NotVendorable when they are for another machine."""
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[architecture]
    files: dict[str, bytes] = {}
    for package in packages:
        found = metadata.distribution(package.name)
        _check_machine(found, package.name, machine)
        for file in found.files or ():
            path = PurePosixPath(str(file))
            if ".." in path.parts or path.is_absolute() or "__pycache__" in path.parts or path.suffix == ".pyc":
                continue
            if path.parts[0].endswith(".dist-info") and path.name not in ("METADATA", "entry_points.txt"):
                continue
            files[path.as_posix()] = file.locate().read_bytes()  # pyrefly: ignore  (installed files are on a disk)
    return files


def _check_machine(found: metadata.Distribution, name: str, machine: str) -> None:
    tags = [line.partition(":")[2].strip() for line in (found.read_text("WHEEL") or "").splitlines() if line.startswith("Tag:")]
    if any(tag.endswith("-none-any") for tag in tags):
        return
    here = _MACHINES.get(platform.machine())
    fits = any(_fits(tag.rpartition("-")[2], machine) for tag in tags)
    if platform.system() != "Linux" or here != machine or not fits:
        raise NotVendorable(
            f"the installed {name} is for {', '.join(tags) or 'an unknown machine'}, not for Linux on {machine}",
            affects="the whole command",
            hint="run it on such a machine, or leave --vendor away",
        )


def _fits(tag: str, machine: str) -> bool:
    for each in tag.split("."):
        match = _TAG.fullmatch(each)
        if match is not None and match["machine"] == machine and int(match["minor"] or 0) <= _LIBC:
            return True
    return False


def _requires(name: str, extras: Iterable[str]) -> list[tuple[str, frozenset[str]]]:
    """What is required and installed; a package that is not here is required elsewhere only."""
    found = []
    for text in metadata.requires(name) or ():
        inner, wanted, marker = _parsed(text)
        asked = re.search(r"""extra\s*==\s*["']([^"']+)["']""", marker)
        if (asked is None or asked[1] in extras) and _is_installed(inner):
            found.append((inner, wanted))
    return found


def _own_extras() -> dict[str, frozenset[str]]:
    """With which extras our own declaration requires each package."""
    try:
        own = metadata.requires("startrail") or ()
    except metadata.PackageNotFoundError:
        return {}
    return {name: extras for name, extras, _ in map(_parsed, own) if extras}


def _parsed(text: str) -> tuple[str, frozenset[str], str]:
    requirement, _, marker = text.partition(";")
    match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", requirement)
    assert match is not None, text
    extras = frozenset(part.strip() for part in (match[2] or "").split(",") if part.strip())
    return _canonical(match[1]), extras, marker


def _pin(name: str, extras: Iterable[str]) -> str:
    said = ",".join(sorted(extras))
    return f"{name}[{said}]=={metadata.version(name)}" if said else f"{name}=={metadata.version(name)}"


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _not_here(module: str) -> NotVendorable:
    return NotVendorable(
        f"the function needs the package of '{module}', which is not installed here, so its version is not known",
        affects="the whole command",
        hint="install the extra of this kind of source, such as: pip install 'startrail[sftp]'",
    )
