"""Which modules a program needs."""

from __future__ import annotations

import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from startrail.capabilities.sources.bundle.closure import Text, closure
from startrail.capabilities.sources.bundle.package import packed

HOUSE = {
    "house": Text("from house.heavy import everything", True),
    "house.room": Text("import json\nfrom house.far.deep import thing\nfrom house.near import word", False),
    "house.near": Text("word = 1", False),
    "house.far": Text("import house.at_once\n\ndef never_called():\n    import house.heavy", True),
    "house.far.deep": Text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import house.types\nelse:\n    import house.real\n"
        "class Thing:\n    def call(self):\n        import other.library\n        from house import later\n",
        False,
    ),
    "house.at_once": Text("try:\n    import quick\nexcept ImportError:\n    import slow", False),
    "house.real": Text("", False),
    "house.later": Text("import house.room", False),
    "house.types": Text("", False),
    "house.heavy": Text("everything = 1", False),
}


def test_what_is_imported_anywhere_is_needed_and_what_is_only_passed_is_not_called() -> None:
    house = {**HOUSE, "house": Text("", True)}
    found = closure(["house.room"], house.get)
    needed = {"at_once", "far", "far.deep", "later", "near", "real", "room"}
    assert set(found.modules) == {"house", *(f"house.{name}" for name in needed)}
    assert found.outside == ("other", "quick", "slow")


def test_a_package_that_is_asked_for_a_name_is_needed_whole() -> None:
    house = {**HOUSE, "house": Text("", True), "house.room": Text("from house.far import never_called", False)}
    assert "house.heavy" in closure(["house.room"], house.get).modules


def test_what_a_package_imports_at_once_is_needed_by_all_in_it() -> None:
    assert "house.heavy" in closure(["house.near"], HOUSE.get).modules


@given(st.dictionaries(st.text("abc/._", min_size=1, max_size=8).filter(lambda name: name.strip("/.")), st.binary(), max_size=6))
def test_a_package_has_its_files_and_nothing_of_the_moment(files: dict[str, bytes]) -> None:
    content = packed(files)
    assert content == packed(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert {entry.filename: package.read(entry) for entry in package.infolist()} == files
        assert {entry.date_time[0] for entry in package.infolist()} <= {1980}
