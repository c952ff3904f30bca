"""A source as a function in the cloud: its package and its Terraform, from the declarations and from what is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from startrail.base.ids import digest
from startrail.base.text import did_you_mean, printable
from startrail.base.units import show_size
from startrail.capabilities.sources.bundle.closure import Closure, Text, closure
from startrail.capabilities.sources.bundle.errors import BundleNotWritten, FunctionTooLarge, NotAFunction, UnknownBundleTarget
from startrail.capabilities.sources.bundle.package import packed
from startrail.capabilities.sources.bundle.plan import FunctionPlan, Trigger, plan_function
from startrail.capabilities.sources.bundle.terraform import Shape, terraform
from startrail.model.bundle import BUNDLE_FILE, FILES_FOLDER
from startrail.model.profile import Profile
from startrail.model.project import Project
from startrail.wiring import read, under
from startrail.wiring.copying import bucket_of
from startrail.wiring.errors import UnknownSource
from startrail.wiring.feeds import home
from startrail.wiring.installed import needed, vendored_files
from startrail.wiring.ports import profile_of

TARGETS = ("aws-lambda",)
_HANDLER_FILE = "startrail_handler.py"
_HANDLER = b'''"""What AWS Lambda calls. Made by: startrail sources bundle"""

from startrail.wiring.function.handler import Function

_function = Function.beside(__file__)


def handle(event, context):
    return _function.handle(event, context)
'''
_RUNTIMES = range(11, 15)
_DIRECT = 50 << 20
_UNPACKED = 250 << 20


class Wanted(msgspec.Struct, frozen=True):
    """What a person asks for. ``copy_to``: a bucket; None: land into the profile's store."""

    name: str
    target: str
    to: Path
    copy_to: str | None = None
    trigger: Trigger | None = None
    vendor: bool = False
    architecture: str = "x86_64"
    seconds: int = 900
    memory: int = 512


class Bundled(msgspec.Struct, frozen=True):
    """What was written. ``size`` and ``unpacked`` in bytes; ``parameters``: names of secrets that a person has to store."""

    package: str
    sha256: str
    size: int
    unpacked: int
    modules: int
    requirements: tuple[str, ...]
    triggers: tuple[Trigger, ...]
    parameters: tuple[str, ...]
    mode: str


def bundle_source(root: Path, profile_name: str, wanted: Wanted) -> Bundled:
    """Write package, ``main.tf.json`` and ``requirements.txt`` into ``wanted.to``.

    Raises UnknownBundleTarget, UnknownSource, NotAFunction and its like, FunctionTooLarge, NotVendorable, BundleNotWritten."""
    if wanted.target not in TARGETS:
        raise UnknownBundleTarget(
            f"there is no kind of function '{printable(wanted.target, 60)}'",
            affects="the whole command",
            hint=did_you_mean(wanted.target, TARGETS),
        )
    project = read(root)
    profile = profile_of(project, profile_name)
    project = under(project, profile)
    plan = _plan(project, profile, profile_name, wanted)
    found = closure(_roots(plan), _text)
    outside = needed(found.outside)
    files = _files(plan, found, Path(project.root))
    if wanted.vendor:
        files |= vendored_files(outside, wanted.architecture)
    package = packed(files)
    unpacked = sum(map(len, files.values()))
    _check_size(len(package), unpacked, wanted)
    shape = Shape(
        f"{wanted.name}.zip", _runtime(), wanted.architecture, wanted.vendor or not outside, wanted.seconds, wanted.memory
    )
    requirements = tuple(each.pin for each in outside if each.direct)
    _write(
        wanted.to,
        {
            shape.package: package,
            "main.tf.json": terraform(plan, shape).encode(),
            "requirements.txt": "".join(f"{pin}\n" for pin in requirements).encode(),
        },
    )
    parameters = tuple(plan.bundle.parameters + name for name in plan.bundle.secrets)
    return Bundled(
        shape.package, digest(package), len(package), unpacked, len(found.modules), requirements, plan.triggers, parameters,
        plan.bundle.mode,
    )  # fmt: skip


def _plan(project: Project, profile: Profile, profile_name: str, wanted: Wanted) -> FunctionPlan:
    source = project.sources.get(wanted.name)
    if source is None:
        hint = did_you_mean(wanted.name, project.sources, "startrail sources list")
        shown = printable(wanted.name, 60)
        raise UnknownSource(f"the project has no source '{shown}'", affects="the whole command", hint=hint)
    target = bucket_of(profile, wanted.copy_to) if wanted.copy_to is not None else None
    return plan_function(project, profile, profile_name, source, target, wanted.trigger)


def _roots(plan: FunctionPlan) -> tuple[str, ...]:
    """What is imported by a name that is put together at run time."""
    inner = "startrail.wiring.function"
    return f"{inner}.handler", f"{inner}.{plan.bundle.mode}", home(plan.bundle.source)


def _package() -> Path:
    import startrail

    return Path(startrail.__file__).parent


def _path(module: str) -> Path | None:
    """The file of one of our own modules."""
    if module.partition(".")[0] != "startrail":
        return None
    plain = _package().parent.joinpath(*module.split("."))
    return next((path for path in (plain / "__init__.py", plain.with_suffix(".py")) if path.is_file()), None)


def _text(module: str) -> Text | None:
    path = _path(module)
    return Text(path.read_text(encoding="utf-8"), path.name == "__init__.py") if path is not None else None


def _files(plan: FunctionPlan, found: Closure, project: Path) -> dict[str, bytes]:
    above = _package().parent
    files: dict[str, bytes] = {_HANDLER_FILE: _HANDLER, BUNDLE_FILE: msgspec.json.encode(plan.bundle)}
    for path in filter(None, map(_path, found.modules)):
        for each in (path, *_data_beside(path)):
            files[each.relative_to(above).as_posix()] = each.read_bytes()
    for name in plan.files:
        try:
            files[f"{FILES_FOLDER}/{name}"] = (project / name).read_bytes()
        except OSError as error:
            raise NotAFunction(
                f"'{plan.bundle.source.name}' cannot be a function: {printable(name, 80)} cannot be read",
                at=plan.bundle.source.span,
                affects="the whole command",
                hint="write the file, or mend its path in the source's feed",
            ) from error
    return files


def _data_beside(path: Path) -> list[Path]:
    """Files that a package reads: in its folder, or in folders of it that are no packages."""
    if path.name != "__init__.py":
        return []
    plain = [each for each in path.parent.iterdir() if each.is_dir() and not (each / "__init__.py").exists()]
    inner = [each for folder in plain if folder.name != "__pycache__" for each in folder.rglob("*")]
    return sorted(each for each in (*path.parent.iterdir(), *inner) if each.is_file() and each.suffix not in (".py", ".pyc"))


def _runtime() -> str:
    """The Python that chose the versions in requirements.txt, when it is one that the cloud has."""
    minor = sys.version_info.minor
    return f"python3.{minor if minor in _RUNTIMES else _RUNTIMES[-1]}"


def _check_size(size: int, unpacked: int, wanted: Wanted) -> None:
    if size <= _DIRECT and unpacked <= _UNPACKED:
        return
    raise FunctionTooLarge(
        f"the package is {show_size(size)}, {show_size(unpacked)} unpacked; the cloud takes 50 MB directly, and 250 MB unpacked",
        affects=f"the function of '{printable(wanted.name, 60)}'; nothing was written",
        hint="leave --vendor away, and put the packages of requirements.txt into a layer",
    )


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise BundleNotWritten(
            f"{printable(str(folder))} cannot be written: {error.strerror or error}", hint="give another folder: --to DIR"
        ) from error
