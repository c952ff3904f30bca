"""The public function: its words, and what it says when a package is not there."""

from __future__ import annotations

import sys

import pytest

import startrail
from startrail.ports.compatibility import SchemaReaderMissing, UnknownMode


def test_modes_and_types_are_words_in_any_case() -> None:
    assert startrail.compatible("{}", "{}", "full_transitive", "json") == []


@pytest.mark.parametrize(("mode", "kind", "hint"), [("BACKWARDS", "JSON", "BACKWARD"), ("FULL", "THRIFT", "AVRO")])
def test_an_unknown_word_names_those_there_are(mode: str, kind: str, hint: str) -> None:
    with pytest.raises(UnknownMode) as caught:
        startrail.compatible("{}", "{}", mode, kind)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("package", "module", "kind"),
    [("avro", "avro_package", "AVRO"), ("grpc_tools", "protoc", "PROTOBUF")],
    ids=["avro", "protoc"],
)
def test_a_missing_package_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, package: str, module: str, kind: str
) -> None:
    monkeypatch.delitem(sys.modules, f"startrail.adapters.compatibility.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SchemaReaderMissing, match="registry"):
        startrail.compatible("{}", "{}", "FULL", kind)


def test_json_schemas_and_contracts_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("avro", "grpc_tools"):
        monkeypatch.setitem(sys.modules, package, None)
    assert startrail.compatible('{"type": "integer"}', '{"type": "number"}', "BACKWARD", "JSON") == []
