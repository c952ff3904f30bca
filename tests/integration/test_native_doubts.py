"""What the judge says about the doubtful fields alone is what it says about the record, under every policy."""

from __future__ import annotations

import json
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.loading import contract, field, load_bytes
from tests.fixtures.readers import needs_native
from tests.integration.test_load_readers_agree import DEEP, GOOD, ODD, SMALL, damaged, line, outcome
from tests.unit.contracts.test_quick_judge import POLICIES

from startrail.adapters.loader.blocks import Block
from startrail.adapters.loader.native.library import CHOICE, choose
from startrail.adapters.loader.native.lines import lines_of
from startrail.adapters.loader.native.plan import native_plan
from startrail.adapters.loader.native.stream import NativeReader
from startrail.capabilities.contracts.judge import RecordJudge
from startrail.capabilities.contracts.quick import QuickJudge
from startrail.model.contract import Contract

pytestmark = needs_native

JSON_POLICIES = [policy for policy in POLICIES if "null_words" not in policy]


def decided(promised: Contract, lines: list[bytes], policy: dict[str, Any]) -> tuple[int, int]:
    """How many records were refused for some fields alone, and how many as a whole; each as the judge does."""
    whole, quick = RecordJudge(promised, **policy), QuickJudge(promised, **policy)
    plan = native_plan(promised, closed=bool(policy.get("closed")))
    assert plan is not None
    names = [each.name for each in promised.fields]
    library, data, by_fields, others = choose().library, b"\n".join([*lines, b""]), 0, 0
    with closing(NativeReader(library, plan, 1)) as reader:
        for _, batches in reader.batches(lines_of(iter([Block(data)]))):
            for batch in batches:
                for one in batch.refused:
                    found = None
                    if one.doubtful is not None:
                        found = quick.fields(one.members, tuple(names[place] for place in one.doubtful))
                    if found is not None:
                        record = batch.record(one).line
                        assert found == whole(record), record
                    by_fields, others = by_fields + (found is not None), others + (found is None)
                library.startrail_forget(batch.handle)
    return by_fields, others


@pytest.mark.parametrize("policy", range(len(JSON_POLICIES)))
def test_records_of_every_type(policy: int) -> None:
    source = random.Random(policy)
    lines = [made.replace(b"\n", b" ") for made in (line(source, SMALL) for _ in range(12_000))]
    by_fields, others = decided(SMALL, lines, JSON_POLICIES[policy])
    assert by_fields > 100, "otherwise little was compared"
    assert others > 200


def test_nested_records() -> None:
    source = random.Random(1)
    lines = []
    for number in range(1_500):
        made = f'{{"id":{number},"a":{GOOD["a"]},"m":{GOOD["m"]},"raw":{GOOD["raw"]}}}'
        while source.random() < 0.6:
            at = source.choice([place for place, letter in enumerate(made) if letter in '{}[]:,"'])
            made = made[:at] + source.choice((made[at:].replace('"', '"z', 1), source.choice(ODD) + made[at + 1 :]))
        found = damaged(source, made.encode()) if source.random() < 0.05 else made.encode()
        lines.append(found.replace(b"\n", b" "))
    told = [decided(DEEP, lines, policy)[0] for policy in JSON_POLICIES]
    assert sum(told) > 100, f"otherwise little was compared: {told}"


INNER = contract(
    field("id", "long"),
    field(
        "c",
        "struct<a: int, b: struct<x: int, y: list<struct<p: int, q: string>>>, d: string>",
    ),
    field("l", "list<list<struct<u: int>>>"),
    field("m", "map<string, struct<z: int>>"),
    field("shut", "struct<a: int>", fields=(field("a", "int"),), closed=True),
    field("odd[0]", "struct<a: int>"),
    key=("id",),
)
UNKNOWN = ("n1", "n2", "n.3", "a b", "é", "N-4", "n" * 101)
VALUES = (
    "1", '"x"', '{"k": [1, 2 ,{"s":"a\\"\\n\\\\b"}]}', '"a\\/b"', "null", "[ ]", "1E5", "-0", '"é\\t"', '"\\ud800"', '"\\u0000"',
    '"\\u0041\\u000B\\ud83d\\ude42\\b\\f\\n\\r\\u007f"', '{"\\u0041":1}', '{"k":1,"k":2}', f'"{"long" * 2_000}"',
)  # fmt: skip


def object_of(source: random.Random, members: dict[str, str], often: float = 0.3) -> str:
    items = list(members.items())
    if source.random() < often:
        items.insert(source.randrange(len(items) + 1), (source.choice(UNKNOWN), source.choice(VALUES)))
    if source.random() < 0.2:
        source.shuffle(items)
    return "{" + ", ".join(f'"{name}":{text}' for name, text in items) + "}"


def with_inner(source: random.Random, number: int) -> str:
    many = [object_of(source, {"p": "1", "q": '"s"'}) for _ in range(source.randrange(3))]
    inner = object_of(source, {"x": source.choice(("1", "1", "2.0", '"q"')), "y": f"[{','.join(many)}]"})
    members = {
        "id": str(number),
        "c": object_of(source, {"a": "1", "b": inner, "d": '"d"'}),
        "l": f"[[{','.join(object_of(source, {'u': '1'}) for _ in range(source.randrange(3)))}]]",
        "m": f'{{"k":{object_of(source, {"z": "1"}, 0.1)}}}',
        "shut": object_of(source, {"a": "1"}, 0.05),
        "odd[0]": object_of(source, {"a": "1"}, 0.05),
    }
    if source.random() < 0.3:
        members[source.choice(("top", "c.n1", "t2"))] = source.choice(("7", '"é"'))
    return object_of(source, members, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_undeclared_fields_inside_objects_are_kept_alike_to_the_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    source = random.Random(seed)
    data = "\n".join(with_inner(source, number) for number in range(500)).encode()
    found = {}
    for way in ("native", "careful"):
        monkeypatch.setenv(CHOICE, "msgspec" if way == "careful" else way)
        (tmp_path / way).mkdir()
        loaded = load_bytes(tmp_path / way, data, INNER, careful=way == "careful")
        text = loaded.rows("_ordinal, CAST(_extra AS VARCHAR)")
        found[way] = outcome(loaded) | {"text": text, "findings": sorted(map(str, loaded.output.drift))}
    assert sum(extra is not None for _, extra in found["careful"]["text"]) > 100
    for part in found["careful"]:
        assert found["native"][part] == found["careful"][part], part


def test_most_records_with_undeclared_fields_inside_need_no_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since it would be too slow for a field that stands in every record."""
    monkeypatch.setenv(CHOICE, "native")
    plan = native_plan(INNER, closed=False)
    assert plan is not None
    record = {"id": 1, "c": {"a": 1, "b": {"x": 1, "y": [{"p": 1, "tax": "é"}, {"tax": None}]}, "new": {"k": [1]}}, "t": 1}
    library = choose().library
    with closing(NativeReader(library, plan, 1)) as reader:
        ((_, (batch,)),) = reader.batches(lines_of(iter([Block(json.dumps(record).encode() + b"\n")])))
        assert batch.refused == []
        assert [(one.name, one.rows) for one in batch.kept] == [("$.c.new", 1), ("$.c.b.y[].tax", 1), ("t", 1)]
        library.startrail_forget(batch.handle)
