"""The folder as a whole: every declaration read, every reference checked, all errors at once, nothing read twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startrail.base.errors import Errors, StartrailError
from startrail.base.span import Span
from startrail.model.profile import Profile
from startrail.project import errors, load
from startrail.project.files import digest_of
from startrail.project.load import read_project

EXAMPLES = Path(load.__file__).parents[1] / "examples"
CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
schema:
  - name: orders
    properties:
      - {name: id, logicalType: string}
      - {name: day, logicalType: date}
"""
FILES = {
    "startrail.yml": "name: shop\n",
    "contracts/orders.odcs.yml": CONTRACT,
    "sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: orders\ninto: raw.orders\npartition_by: day\n",
    "models/marts/sales.sql": "/* startrail\nkind: view\n*/\nselect * from raw.orders\n",
    "reports/daily.yml": "model: marts.sales\nformat: csv\ndestination: {kind: folder, path: out}\n",
    "tests/marts/sales.yml": "given: {raw.orders: [{id: a}]}\nexpect: [{id: a}]\n",
}


class MemoryCache(dict[tuple[str, str], bytes]):
    def get(self, kind: str, key: str) -> bytes | None:  # type: ignore[override]
        return super().get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self[kind, key] = value


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for path, text in files.items():
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def problems_of(root: Path, files: dict[str, str | bytes]) -> list[StartrailError]:
    with pytest.raises(StartrailError) as caught:
        read_project(write(root, {**FILES, **files}))
    return caught.value.errors if isinstance(caught.value, Errors) else [caught.value]


def test_a_folder_becomes_one_value(tmp_path: Path) -> None:
    project = read_project(write(tmp_path, dict(FILES)))
    assert (project.name, project.root) == ("shop", str(tmp_path.resolve()))
    assert project.profiles == {"local": Profile()}
    assert [*project.sources, *project.contracts, *project.models] == ["orders_api", "orders", "marts.sales"]
    assert [*project.reports, *project.tests] == ["daily", "marts.sales"]
    assert project.tests["marts.sales"].model == "marts.sales"
    assert project.digest == digest_of(tmp_path)[0]


@pytest.mark.parametrize("name", [path.name for path in sorted(EXAMPLES.iterdir()) if (path / "startrail.yml").exists()])
def test_the_shipped_examples_are_read(name: str) -> None:
    project = read_project(EXAMPLES / name)
    assert project.sources
    assert project.models
    assert project.reports


WRONG: list[tuple[dict[str, str | bytes], type[StartrailError], str]] = [
    ({"startrail.yml": "nam: shop\nname: x\n"}, errors.UnknownKey, "startrail.yml:1:1"),
    ({"startrail.yml": ""}, errors.WrongType, "startrail.yml:1:1"),
    ({"startrail.yml": "name: ''\n"}, errors.BadValue, "startrail.yml:1:7"),
    (
        {"startrail.yml": "name: a\nprofiles:\n  p: {feeds: {orders: {kind: folder, path: x}}}\n"},
        errors.UnknownReference, "startrail.yml:3:23",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: order\ninto: raw.orders\n"},
        errors.UnknownReference, "sources/orders_api.yml:2:11",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ninto: raw.orders\n"},
        errors.ContractMissing, "sources/orders_api.yml:2:7",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: orders\ninto: orders\n"},
        errors.BadName, "sources/orders_api.yml:3:7",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: orders\ninto: Raw.orders\n"},
        errors.BadName, "sources/orders_api.yml:3:7",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: orders\ninto: marts.sales\n"},
        errors.NameTaken, "sources/orders_api.yml:3:7",
    ),
    (
        {"sources/z.yml": "feed: {kind: folder, path: in}\ncontract: orders\ninto: raw.orders\n"},
        errors.NameTaken, "sources/z.yml:3:7",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: orders\npartition_by: dya\n"},
        errors.UnknownReference, "sources/orders_api.yml:3:15",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: orders\npartition_by: id\n"},
        errors.BadValue, "sources/orders_api.yml:3:15",
    ),
    (
        {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: orders\npartition_by: day\ngrain: hour\n"},
        errors.BadValue, "sources/orders_api.yml:3:15",
    ),
    (
        {"reports/daily.yml": "model: marts.sale\nformat: csv\ndestination: {kind: folder, path: out}\n"},
        errors.UnknownReference, "reports/daily.yml:1:8",
    ),
    (
        {"reports/daily.yml": "format: csv\ndestination: {kind: folder, path: out}\n"},
        errors.ReportSubject, "reports/daily.yml:1:1",
    ),
    (
        {"reports/daily.yml": "model: marts.sales\nquery: select 1\nformat: csv\ndestination: {kind: folder, path: out}\n"},
        errors.ReportSubject, "reports/daily.yml:1:1",
    ),
    (
        {"reports/daily.yml": "model: marts.sales\nfile: ../x.csv\nformat: csv\ndestination: {kind: folder, path: out}\n"},
        errors.BadValue, "reports/daily.yml:2:7",
    ),
    (
        {"reports/daily.yml": "model: marts.sales\nfile: x_{day}.csv\nformat: csv\ndestination: {kind: folder, path: out}\n"},
        errors.BadValue, "reports/daily.yml:2:7",
    ),
    (
        {"reports/daily.yml": 'model: marts.sales\nformat: csv\ndestination: {kind: folder, path: out}\ndeadline: {time: "9"}\n'},
        errors.BadValue, "reports/daily.yml:4:18",
    ),
    ({"tests/marts/sales.yml": "model: marts.x\ngiven: {}\nexpect: []\n"}, errors.UnknownReference, "tests/marts/sales.yml:1:8"),
    ({"tests/marts/sales2.yml": "given: {}\nexpect: []\n"}, errors.UnknownReference, "tests/marts/sales2.yml:1:1"),
    ({"tests/marts/sales.yml": "given: {orders: []}\nexpect: []\n"}, errors.BadValue, "tests/marts/sales.yml:1:9"),
    ({"contracts/orders.odcs.yaml": CONTRACT}, errors.NameTaken, "contracts/orders.odcs.yml:1:1"),
    ({"contracts/other.yml": CONTRACT}, errors.FileIgnored, "contracts/other.yml:1:1"),
    ({"sources/shop/x.yml": "a: 1\n"}, errors.FileIgnored, "sources/shop/x.yml:1:1"),
    ({"models/marts/schema.yml": "a: 1\n"}, errors.FileIgnored, "models/marts/schema.yml:1:1"),
    ({"models/marts/X.SQL": "select 1"}, errors.FileIgnored, "models/marts/X.SQL:1:1"),
    ({"models/x.sql": "select 1"}, errors.BadName, "models/x.sql:1:1"),
    ({"sources/a b.yml": "a: 1\n"}, errors.BadName, "sources/a b.yml:1:1"),
    ({"models/marts/x.sql": b"select '\xff'"}, errors.NotText, "models/marts/x.sql:1:9"),
    ({"models/marts/x.sql": b" " * (1024 * 1024 + 1)}, errors.FileTooLarge, "models/marts/x.sql:1:1"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "error", "at"), WRONG)
def test_what_cannot_be_is_named_where_it_stands(
    tmp_path: Path, files: dict[str, str | bytes], error: type[StartrailError], at: str
) -> None:
    problems = problems_of(tmp_path, files)
    assert [type(problem) for problem in problems] == [error], problems
    assert str(problems[0].at) == at
    assert problems[0].hint


def test_all_errors_of_the_folder_come_together_in_order_of_place(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        {
            "startrail.yml": "name: 1\n",
            "contracts/orders.odcs.yml": "a: [\n",
            "models/marts/sales.sql": "/* startrail\nkind: tabel\nx: 1\n*/",
            "reports/daily.yml": "model: marts.nothing\nformat: csv\ndestination: {kind: folder, path: out}\n",
        },
    )
    assert [(problem.code, str(problem.at), problem.affects) for problem in problems] == [
        ("ST103", "contracts/orders.odcs.yml:2:1", "contract orders"),
        ("ST118", "models/marts/sales.sql:2:7", "model marts.sales"),
        ("ST115", "models/marts/sales.sql:3:1", "model marts.sales"),
        ("ST141", "reports/daily.yml:1:8", "report daily"),
        ("ST117", "startrail.yml:1:7", "the project"),
    ]


def test_a_near_miss_is_named(tmp_path: Path) -> None:
    (problem,) = problems_of(
        tmp_path, {"sources/orders_api.yml": "feed: {kind: folder, path: in}\ncontract: ordres\ninto: raw.orders\n"}
    )
    assert problem.hint == "did you mean 'orders'?"


def test_a_folder_without_project_says_so(tmp_path: Path) -> None:
    with pytest.raises(errors.NoProject, match=r"no startrail\.yml"):
        read_project(tmp_path)
    (tmp_path / "startrail.yaml").write_text("name: x")
    with pytest.raises(errors.NoProject) as caught:
        read_project(tmp_path)
    assert caught.value.hint == "rename startrail.yaml to startrail.yml"


def test_a_report_may_show_a_raw_table(tmp_path: Path) -> None:
    report = "model: raw.orders\nformat: csv\ndestination: {kind: folder, path: out}\n"
    assert read_project(write(tmp_path, {**FILES, "reports/raw.yml": report})).reports["raw"].model == "raw.orders"


def test_links_out_of_the_project_and_pipes_are_not_read(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.sql": "select 1"})
    root = write(tmp_path / "shop", dict(FILES))
    (root / "models/marts/link.sql").symlink_to(outside / "secret.sql")
    (root / "models/marts/folder.sql").symlink_to(outside)
    (root / "models/marts/inside.sql").symlink_to(root / "models/marts/sales.sql")
    os.mkfifo(root / "models/marts/pipe.sql")
    with pytest.raises(Errors) as caught:
        read_project(root)
    assert [(problem.code, str(problem.at)) for problem in caught.value.errors] == [
        ("ST100", "models/marts/folder.sql:1:1"),
        ("ST100", "models/marts/link.sql:1:1"),
        ("ST100", "models/marts/pipe.sql:1:1"),
    ]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    root = write(tmp_path, dict(FILES))
    (root / "models/marts/sales.sql").chmod(0)
    with pytest.raises(errors.FileUnreadable) as caught:
        read_project(root)
    assert caught.value.at == Span("models/marts/sales.sql")


def test_hidden_files_and_files_of_no_declaration_are_left_alone(tmp_path: Path) -> None:
    root = write(tmp_path, {**FILES, "models/.x.sql": "", "sources/.git/a.yml": "", "sources/README.md": "", "notes/a.yml": "x"})
    assert read_project(root).digest == digest_of(root)[0]


def test_the_digest_changes_with_any_declaration_and_with_its_path(tmp_path: Path) -> None:
    seen = {digest_of(write(tmp_path, dict(FILES)))[0]}
    for path in FILES:
        with (tmp_path / path).open("a") as stream:
            stream.write("\n")
        seen.add(digest_of(tmp_path)[0])
    (tmp_path / "models/marts/sales.sql").rename(tmp_path / "models/marts/sold.sql")
    seen.add(digest_of(tmp_path)[0])
    assert len(seen) == len(FILES) + 2


def test_an_unchanged_project_comes_back_equal_from_the_cache(tmp_path: Path) -> None:
    root, cache = write(tmp_path, dict(FILES)), MemoryCache()
    first = read_project(root, cache)
    assert len(cache) == 1
    assert read_project(root, cache) == first
    (root / "models/marts/sales.sql").write_text("select 2")
    assert read_project(root, cache).models["marts.sales"].sql == "select 2"
    assert len(cache) == 2


def test_a_moved_project_is_the_same_project_elsewhere(tmp_path: Path) -> None:
    root, cache = write(tmp_path / "a", dict(FILES)), MemoryCache()
    read_project(root, cache)
    root.rename(tmp_path / "b")
    assert read_project(tmp_path / "b", cache).root == str((tmp_path / "b").resolve())
    assert len(cache) == 1


def test_a_cached_value_of_another_version_is_read_anew(tmp_path: Path) -> None:
    root, cache = write(tmp_path, dict(FILES)), MemoryCache()
    first = read_project(root, cache)
    for spoilt in (b"", b"\xc1", b"\x80"):
        for key in cache:
            cache[key] = spoilt
        assert read_project(root, cache) == first


def test_a_wrong_project_is_not_cached(tmp_path: Path) -> None:
    root, cache = write(tmp_path, {**FILES, "models/marts/x.sql": "/* startrail\nkind: x\n*/"}), MemoryCache()
    with pytest.raises(StartrailError):
        read_project(root, cache)
    assert not cache


def test_an_unchanged_project_imports_no_yaml(tmp_path: Path) -> None:
    write(tmp_path / "shop", dict(FILES))
    script = """
import sys, pathlib
from startrail.project.load import read_project
class Cache:
    def __init__(self): self.folder = pathlib.Path(sys.argv[2])
    def get(self, kind, key):
        path = self.folder / f"{kind}-{key}"
        return path.read_bytes() if path.exists() else None
    def put(self, kind, key, value): (self.folder / f"{kind}-{key}").write_bytes(value)
read_project(pathlib.Path(sys.argv[1]), Cache())
sys.stdout.write(str("yaml" in sys.modules))
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "shop"), str(tmp_path)], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert runs == ["True", "False"]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(sorted(FILES)), st.integers(0, 200), st.text(st.sampled_from("ab:1 \n-[]{},'\"&*!|>/\x00é~"), max_size=6))
def test_a_damaged_file_leads_to_a_project_or_a_clear_error(tmp_path: Path, path: str, at: int, damage: str) -> None:
    text = FILES[path]
    write(tmp_path, {**FILES, path: text[:at] + damage + text[at + len(damage) :]})
    try:
        read_project(tmp_path, MemoryCache())
    except StartrailError as error:
        several = error.errors if isinstance(error, Errors) else [error]
        told = [(problem.code, problem.at, problem.hint) for problem in several]
    else:
        told = []
    assert all(code and at and hint for code, at, hint in told)
