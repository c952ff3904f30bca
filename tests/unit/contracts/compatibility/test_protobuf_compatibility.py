"""Protobuf: the wire format, and what a change forgets; imports stay inside what was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from startrail import compatible
from startrail.ports.compatibility import Incompatibility, ReferenceMissing, SchemaUnreadable


def judged(old: str, new: str, mode: str = "BACKWARD", lenient: bool = False) -> list[Incompatibility]:
    return compatible(old, new, mode, "PROTOBUF", lenient=lenient)


def proto3(body: str) -> str:
    return f'syntax = "proto3"; {body}'


def proto2(body: str) -> str:
    return f'syntax = "proto2"; {body}'


CASES: list[tuple[str, str, str, list[tuple[str, str]]]] = [
    ("a field is added", proto3("message A { int32 a = 1; }"), proto3("message A { int32 a = 1; string b = 2; }"), []),
    ("a field is removed and reserved", proto3("message A { int32 a = 1; int32 b = 2; }"),
     proto3("message A { reserved 2; int32 a = 1; }"), []),
    ("a field is removed", proto3("message A { int32 a = 1; int32 b = 2; }"), proto3("message A { int32 a = 1; }"),
     [("removed_without_reserved", "A.b")]),
    ("a reserved number is used", proto3("message A { reserved 2 to 4; }"), proto3("message A { int32 b = 3; }"),
     [("reserved_number_used", "A.b")]),
    ("a reserved name is used", proto3('message A { reserved "b"; }'), proto3("message A { int32 b = 3; }"),
     [("reserved_number_used", "A.b")]),
    ("a number is reused", proto3("message A { int32 a = 1; }"), proto3("message A { string b = 1; }"),
     [("number_reused", "A.b")]),
    ("a field is renamed", proto3("message A { int32 a = 1; }"), proto3("message A { int32 b = 1; }"), []),
    ("a field gets another number", proto3("message A { int32 a = 1; }"), proto3("message A { reserved 1; int32 a = 2; }"),
     [("number_changed", "A.a")]),
    ("varints read each other", proto3("message A { int32 a = 1; bool b = 2; }"),
     proto3("message A { uint64 a = 1; int64 b = 2; }"), []),
    ("zigzag is another encoding", proto3("message A { int32 a = 1; }"), proto3("message A { sint32 a = 1; }"),
     [("type_changed", "A.a")]),
    ("fixed sizes differ", proto3("message A { fixed32 a = 1; }"), proto3("message A { fixed64 a = 1; }"),
     [("type_changed", "A.a")]),
    ("fixed signs do not", proto3("message A { fixed32 a = 1; }"), proto3("message A { sfixed32 a = 1; }"), []),
    ("a float is no fixed", proto3("message A { float a = 1; }"), proto3("message A { fixed32 a = 1; }"),
     [("type_changed", "A.a")]),
    ("text and bytes", proto3("message A { string a = 1; }"), proto3("message A { bytes a = 1; }"), []),
    ("an enum is an integer", proto3("message A { E a = 1; } enum E { Z = 0; }"), proto3("message A { int32 a = 1; }"), []),
    ("a message is bytes", proto3("message A { B a = 1; } message B {}"), proto3("message A { bytes a = 1; }"), []),
    ("a number becomes repeated", proto3("message A { int32 a = 1; }"), proto3("message A { repeated int32 a = 1; }"),
     [("label_changed", "A.a")]),
    ("a text becomes repeated", proto3("message A { string a = 1; }"), proto3("message A { repeated string a = 1; }"), []),
    ("presence is not on the wire", proto3("message A { int32 a = 1; }"), proto3("message A { optional int32 a = 1; }"), []),
    ("a single field moves into a new oneof", proto3("message A { int32 a = 1; }"),
     proto3("message A { oneof o { int32 a = 1; string b = 2; } }"), []),
    ("two fields move into a oneof", proto3("message A { int32 a = 1; int32 b = 2; }"),
     proto3("message A { oneof o { int32 a = 1; int32 b = 2; } }"), [("oneof_moved", "A.o")]),
    ("a field moves into an existing oneof", proto3("message A { oneof o { int32 a = 1; } int32 b = 2; }"),
     proto3("message A { oneof o { int32 a = 1; int32 b = 2; } }"), [("oneof_moved", "A.o")]),
    ("a oneof dissolves", proto3("message A { oneof o { int32 a = 1; int32 b = 2; } }"),
     proto3("message A { int32 a = 1; int32 b = 2; }"), []),
    ("a required field is added", proto2("message A { optional int32 a = 1; }"),
     proto2("message A { optional int32 a = 1; required int32 b = 2; }"), [("required_added", "A.b")]),
    ("an optional field becomes required", proto2("message A { optional int32 a = 1; }"),
     proto2("message A { required int32 a = 1; }"),
     [("required_added", "A.a")]),
    ("a required field becomes optional", proto2("message A { required int32 a = 1; }"),
     proto2("message A { optional int32 a = 1; }"), []),
    ("required by an edition", 'edition = "2023"; message A { int32 a = 1; }',
     'edition = "2023"; message A { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; }', [("required_added", "A.a")]),
    ("an enum value is added", proto3("enum E { Z = 0; }"), proto3("enum E { Z = 0; B = 1; }"), []),
    ("an enum value is removed", proto3("enum E { Z = 0; B = 1; }"), proto3("enum E { Z = 0; }"),
     [("removed_without_reserved", "E.B")]),
    ("an enum value is removed and reserved", proto3("enum E { Z = 0; B = 1; }"), proto3("enum E { reserved 1; Z = 0; }"), []),
    ("a closed enum loses a value", proto2("enum E { Z = 0; B = 1; }"), proto2("enum E { reserved 1; Z = 0; }"),
     [("enum_values_missing", "E")]),
    ("an enum value means something else", proto3("enum E { Z = 0; B = 1; }"), proto3("enum E { Z = 0; C = 1; }"),
     [("enum_value_changed", "E.B")]),
    ("an enum value gets another number", proto3("enum E { Z = 0; B = 1; }"), proto3("enum E { reserved 1; Z = 0; B = 2; }"),
     [("enum_value_changed", "E.B")]),
    ("a message is removed", proto3("message A {} message B { int32 a = 1; }"), proto3("message A {}"), []),
    ("a call is removed", proto3("message A {} service S { rpc Get(A) returns (A); }"), proto3("message A {}"), []),
    ("a package is renamed", proto3("package shop.v1; message A { A a = 1; }"),
     proto3("package shop.v2; message A { A a = 1; }"), []),
    ("a message of another name", proto3("message A { B b = 1; } message B {} message C {}"),
     proto3("message A { C b = 1; } message B {} message C {}"), [("message_type_changed", "A.b")]),
    ("an inner message changes", proto3("message A { message B { int32 x = 1; } repeated B b = 1; }"),
     proto3("message A { message B { string x = 1; } repeated B b = 1; }"), [("type_changed", "A.B.x")]),
    ("a map's values change", proto3("message A { map<string, int32> m = 1; }"),
     proto3("message A { map<string, string> m = 1; }"),
     [("type_changed", "A.MEntry.value")]),
    ("a message of itself", proto3("message A { A a = 1; int32 b = 2; }"), proto3("message A { A a = 1; string b = 2; }"),
     [("type_changed", "A.b")]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_known_change_is_judged(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    found = judged(old, new)
    assert [(each.kind, each.path) for each in found] == expected
    assert all(each.message and each.change for each in found)


def test_what_readers_must_know_is_told_for_the_other_direction() -> None:
    old, new = (
        proto2("enum E { Z = 0; } message A { required int32 a = 1; }"),
        proto2("enum E { Z = 0; B = 1; } message A { reserved 1; }"),
    )
    assert judged(old, new) == []
    assert {(each.kind, each.direction) for each in judged(old, new, "FULL")} == {
        ("enum_values_missing", "forward"), ("required_added", "forward")
    }  # fmt: skip


def test_a_mistake_of_the_change_itself_is_told_once_for_both_directions() -> None:
    found = judged(proto3("message A { int32 a = 1; }"), proto3("message A {}"), "FULL")
    assert [each.kind for each in found] == ["removed_without_reserved"]


def test_lenient_asks_for_no_reserved() -> None:
    old, new = proto3("message A { int32 a = 1; } enum E { Z = 0; B = 1; }"), proto3("message A {} enum E { Z = 0; C = 1; }")
    assert judged(old, new) != []
    assert judged(old, new, lenient=True) == []


def test_imports_are_the_references_and_the_well_known_files() -> None:
    user = proto3('import "shop/money.proto"; import "google/protobuf/timestamp.proto"; '
                  "message A { shop.Money m = 1; google.protobuf.Timestamp t = 2; }")  # fmt: skip
    old, new = (
        {"shop/money.proto": proto3(f"package shop; message Money {{ {kind} units = 1; }}")} for kind in ("int64", "string")
    )
    assert compatible(user, user, "FULL", "PROTOBUF", old_refs=old, new_refs=old) == []
    found = compatible(user, user, "BACKWARD", "PROTOBUF", old_refs=old, new_refs=new)
    assert [(each.kind, each.path) for each in found] == [("type_changed", "shop.Money.units")]


def test_no_file_but_those_given_can_be_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.proto"
    secret.write_text(proto3("message Secret {}"))
    ups = "../" * 12
    for name in (str(secret), f"{ups}{secret}", f"file://{secret}", "secret.proto", "shop/../secret.proto"):
        with pytest.raises((ReferenceMissing, SchemaUnreadable)):
            compatible(proto3("message A {}"), proto3(f'import "{name}"; message A {{}}'), "BACKWARD", "PROTOBUF")
    for name in ("../up.proto", "/tmp/up.proto", "a/../../up.proto", "up.py", "grpc_tools/protoc.py", "a\0.proto", ""):
        with pytest.raises(SchemaUnreadable):
            compatible(proto3(""), proto3(""), "BACKWARD", "PROTOBUF", new_refs={name: proto3("")})


@pytest.mark.parametrize(
    "text",
    [
        "message",
        "message A { int32 a = 1; int32 b = 1; }",
        "message A { Nowhere a = 1; }",
        "{}",
        "\0",
        "message A {" * 2000 + "}" * 2000,
    ],
    ids=["cut", "twice", "unknown", "json", "nul", "deep"],
)
def test_what_does_not_compile_is_refused_in_protocs_words(text: str) -> None:
    with pytest.raises(SchemaUnreadable, match="protoc refuses"):
        judged(proto3(""), proto3(text))


def test_references_that_cannot_lie_side_by_side_are_refused() -> None:
    with pytest.raises(SchemaUnreadable):
        compatible(
            proto3(""), proto3(""), "BACKWARD", "PROTOBUF", new_refs={"a.proto": proto3(""), "a.proto/b.proto": proto3("")}
        )
