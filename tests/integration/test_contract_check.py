"""``startrail contract check`` as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def check(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "startrail", "contract", "check", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def write(folder: Path, name: str, value: Any) -> str:
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return name


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "Order", "fields": list(fields)}


ID, NOTE = {"name": "id", "type": "long"}, {"name": "note", "type": "string"}


def test_a_compatible_schema_exits_with_0(tmp_path: Path) -> None:
    old, new = write(tmp_path, "v1.avsc", record(ID, NOTE)), write(tmp_path, "v2.avsc", record(ID))
    code, out, err = check(tmp_path, old, new)
    assert (code, out) == (0, "")
    assert "v2.avsc: BACKWARD compatible (AVRO)" in err


def test_an_incompatible_one_exits_with_1_and_says_what_to_do(tmp_path: Path) -> None:
    old, new = write(tmp_path, "v1.avsc", record(ID)), write(tmp_path, "v2.avsc", record(ID, NOTE))
    code, out, err = check(tmp_path, old, new, "--mode", "full")
    assert code == 1
    assert "field_without_default      note" in out
    assert "to do: give 'note' a default" in out
    assert "not FULL compatible, 1 reason (AVRO)" in err


def test_machines_get_one_line_per_reason(tmp_path: Path) -> None:
    old, new = write(tmp_path, "a.schema.json", {"type": "number"}), write(tmp_path, "b.schema.json", {"type": "integer"})
    code, out, err = check(tmp_path, old, new, "--json")
    first, found, result = (json.loads(line) for line in out.splitlines())
    assert (code, err) == (1, "")
    assert first["type"] == "schema"
    assert (found["type"], found["kind"], found["path"], found["direction"]) == (
        "incompatibility",
        "type_narrowed",
        "#/type",
        "backward",
    )
    assert result == {"type": "result", "ok": False, "incompatibilities": 1, "mode": "BACKWARD", "schema_type": "JSON"}


def test_several_old_versions_count_under_a_transitive_mode(tmp_path: Path) -> None:
    names = [write(tmp_path, f"v{i}.avsc", schema) for i, schema in enumerate(['"string"', '"int"', '"long"'])]
    assert check(tmp_path, *names)[0] == 0
    code, out, _ = check(tmp_path, *names, "--mode", "BACKWARD_TRANSITIVE")
    assert code == 1
    assert "against v0.avsc" in out


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.proto", 'syntax = "proto3"; message A { int32 a = 1; }', "PROTOBUF"),
        ("a.txt", 'syntax = "proto3"; message A { int32 a = 1; }', "PROTOBUF"),
        ("a.json", json.dumps(record(ID)), "AVRO"),
        ("a.json", '{"type": "object"}', "JSON"),
        ("a.json", '{"$schema": "http://json-schema.org/draft-07/schema#"}', "JSON"),
        ("a.odcs.yml", "apiVersion: v3.2.0\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\nschema:\n"
         "  - name: a\n    properties: [{name: x, logicalType: string}]\n", "ODCS"),
    ],
    ids=["proto", "proto text", "avro json", "json", "draft", "odcs"],
)  # fmt: skip
def test_the_language_is_seen_from_name_and_content(tmp_path: Path, name: str, text: str, kind: str) -> None:
    write(tmp_path, name, text)
    code, _, err = check(tmp_path, name, name, "--mode", "FULL")
    assert code == 0
    assert f"({kind})" in err


def test_references_are_named_on_the_command_line(tmp_path: Path) -> None:
    old = write(tmp_path, "v1.json", {"properties": {"m": {"$ref": "money.json"}}})
    write(tmp_path, "cents.json", {"type": "integer"})
    assert check(tmp_path, old, old)[0] == 2
    assert check(tmp_path, old, old, "--ref", "money.json=cents.json")[0] == 0


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        (["gone.avsc", "good.avsc"], "ST356", "is not there"),
        (["latin.avsc", "good.avsc"], "ST356", "not UTF-8"),
        (["good.avsc", "folder"], "ST356", "no plain file"),
        (["good.avsc", "broken.avsc"], "ST350", "not JSON"),
        (["good.avsc", "notes.txt"], "ST355", "--type"),
        (["good.avsc", "other.proto"], "ST355", "different languages"),
        (["good.avsc"], "ST800", "the new one"),
        (["good.avsc", "good.avsc", "--mode", "SIDEWAYS"], "ST800", "SIDEWAYS"),
        (["good.avsc", "good.avsc", "--ref", "x"], "ST800", "NAME=FILE"),
        (["good.avsc", "long.avsc"], "ST352", "longer than"),
    ],
    ids=["gone", "latin", "folder", "broken", "untold", "mixed", "one file", "mode", "ref", "long"],
)
def test_what_cannot_be_read_exits_with_2_and_a_sentence(tmp_path: Path, files: list[str], code: str, words: str) -> None:
    write(tmp_path, "good.avsc", '"int"')
    write(tmp_path, "broken.avsc", "{")
    write(tmp_path, "notes.txt", "nothing of the kind")
    write(tmp_path, "other.proto", 'syntax = "proto3";')
    write(tmp_path, "long.avsc", " " * (4 * 1024 * 1024 + 1))
    (tmp_path / "latin.avsc").write_bytes(b'"\xe9"')
    (tmp_path / "folder").mkdir()
    exit_code, out, err = check(tmp_path, *files)
    assert (exit_code, out) == (2, "")
    assert code in err
    assert words in err


def test_the_group_imports_a_subcommand_when_it_is_called() -> None:
    script = (
        "import sys\nfrom startrail.cli.contract import command\n"
        "assert list(command.commands) and 'startrail.cli.contract_check' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
