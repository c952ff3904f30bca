"""A cron job's SQL script becomes a model of kind script, as it is, with a schedule. Writes nothing itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from startrail.base.text import printable
from startrail.base.time import zone
from startrail.capabilities.schedules.errors import BadSchedule, BadScript
from startrail.lineage.analyse import analyse
from startrail.lineage.trace.texts import trace_text
from startrail.model.analysis import PARAMETERS, Analysis
from startrail.model.project import Project
from startrail.project.header import split_header
from startrail.project.values import cron as read_cron
from startrail.project.values import is_identifier

NAMESPACE = "scripts"
_LIMIT = 1024 * 1024
_NOBODY = "nothing here makes it"


class Adopted(msgspec.Struct, frozen=True):
    """``files``: what is to be written, by path in the project. ``reads`` and ``writes``: tables, and what there is to say
    about each. ``unknown``: what could not be inferred, in words."""

    model: str
    schedule: str
    files: dict[str, bytes]
    reads: dict[str, str]
    writes: dict[str, str]
    unknown: tuple[str, ...]


def adopt(
    data: bytes,
    file: str,
    project: Project,
    *,
    cron: str,
    timezone: str,
    name: str | None = None,
    reads: Sequence[str] = (),
    writes: Sequence[str] = (),
) -> Adopted:
    """``file``: the script's name, for messages and for the model's. Raises BadSchedule, BadScript, ModelError."""
    _check_schedule(cron, timezone)
    text = _text(data, file)
    model = _model_name(name, file)
    found = analyse(text, script=True, path=file)
    schedule = model.rpartition(".")[2]
    path = f"models/{model.replace('.', '/')}.sql"
    header = _header(reads, writes)
    _check_writes((*found.writes, *writes), project, file)
    return Adopted(
        model,
        schedule,
        {path: header.encode() + data, f"schedules/{schedule}.yml": _schedule(cron, timezone, model)},
        {table: _maker(table, project) for table in dict.fromkeys((*found.reads, *reads))},
        {table: _kept(table, found) for table in dict.fromkeys((*found.writes, *writes))},
        tuple(_unknown(found, data, file, reads, writes, project)),
    )


def _check_schedule(cron: str, timezone: str) -> None:
    try:
        read_cron(cron)
        zone(timezone)
    except ValueError as error:
        hint = "such as --cron '0 6 * * *' --timezone Europe/Madrid"
        raise BadSchedule(printable(str(error)), affects="nothing was written", hint=hint) from error


def _text(data: bytes, file: str) -> str:
    shown = printable(file)
    if len(data) > _LIMIT - 1000:
        raise BadScript(f"{shown} is longer than 1 MiB", affects="nothing was written", hint="split it into several scripts")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        hint = "convert it first: iconv -f latin1 -t utf-8"
        raise BadScript(f"{shown} is not UTF-8 (byte {error.start})", affects="nothing was written", hint=hint) from error
    if not text.strip():
        raise BadScript(f"{shown} is empty", affects="nothing was written", hint="name the script that cron runs")
    if text.startswith("\ufeff"):
        hint = "save it without: sed -i '1s/^\\xEF\\xBB\\xBF//' FILE"
        raise BadScript(f"{shown} begins with a byte order mark", affects="nothing was written", hint=hint)
    if split_header(text, file)[0] is not None:
        hint = "copy it into models/NAMESPACE/ and write schedules/NAME.yml"
        raise BadScript(f"{shown} is a Startrail model already", affects="nothing was written", hint=hint)
    return text


def _model_name(wanted: str | None, file: str) -> str:
    stem = re.sub(r"[^a-z0-9_]+", "_", file.replace("\\", "/").rpartition("/")[2].rpartition(".")[0].lower()).strip("_")
    name = wanted if wanted is not None else f"{NAMESPACE}.{stem}"
    parts = name.split(".")
    if len(parts) != 2 or not all(is_identifier(part) for part in parts):
        raise BadScript(
            f"'{printable(name, 80)}' cannot be a model's name",
            affects="nothing was written",
            hint="add --name NAMESPACE.NAME of lower-case letters, digits and underscores",
        )
    return name


def _header(reads: Sequence[str], writes: Sequence[str]) -> str:
    lines = ["/* startrail", "kind: script"]
    lines += [f"{key}: [{', '.join(tables)}]" for key, tables in (("reads", reads), ("writes", writes)) if tables]
    return "\n".join(lines) + "\n*/\n"


def _schedule(cron: str, timezone: str, model: str) -> bytes:
    return f'cron: "{" ".join(cron.split())}"\ntimezone: {timezone}\nscript: {model}\n'.encode()


def _check_writes(writes: Sequence[str], project: Project, file: str) -> None:
    for table in writes:
        source = next((source.name for source in project.sources.values() if source.into == table), None)
        other = f"source {source}" if source is not None else f"model {table}" if table in project.models else None
        if other is not None:
            raise BadScript(
                f"{printable(file)} writes {table}, which is what {other} makes",
                affects="nothing was written",
                hint="let one of them make the table",
            )


def _maker(table: str, project: Project) -> str:
    for source in project.sources.values():
        if source.into == table:
            return f"loaded by source {source.name}"
    if table in project.models:
        return f"model {table}"
    return _NOBODY


def _kept(table: str, found: Analysis) -> str:
    return "goes on from the rows it has" if table in found.reads_own else "made anew"


def _unknown(found: Analysis, data: bytes, file: str, reads: Sequence[str], writes: Sequence[str], project: Project) -> list[str]:
    told: list[str] = []
    scripts = any(model.kind == "script" for model in project.models.values())  # these may make any table
    told += [
        f"where {table} comes from: declare a source with into: {table}, before the next run"
        for table in dict.fromkeys((*found.reads, *reads))
        if _maker(table, project) == _NOBODY and not scripts
    ]
    if not found.writes and not writes:
        told.append("what it leaves: no table under NAMESPACE.NAME is created; add --writes NAMESPACE.NAME, or create one")
    told += [
        f"the rows that {table} begins with: the script only changes it; add create table if not exists {table} ..."
        for table in found.reads_own
        if _maker(table, project) == _NOBODY and not scripts
    ]
    told += [f"parameter ${name}: Startrail binds {', '.join('$' + each for each in PARAMETERS)}" for name in found.parameters]
    told += [
        f"the columns of statement {gap.statement} (line {gap.line}): {gap.reason}"
        for gap in trace_text(data, file, "duckdb").not_analysed
    ]
    return told
