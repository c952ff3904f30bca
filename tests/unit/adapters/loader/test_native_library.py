"""Which reader is chosen, and what a library must be to be used."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.fixtures.readers import needs_native

from startrail.adapters.loader.native.library import (
    ABI,
    CHOICE,
    PLACE,
    ReaderMissing,
    UnknownReader,
    choose,
    opened_plan,
    processor,
)


@pytest.fixture(autouse=True)
def nothing_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.delenv(PLACE, raising=False)


def built(folder: Path, code: str) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (folder / "library.c").write_text(code)
    made = folder / "library.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, folder / "library.c"], check=True)
    return made


def test_without_a_library_the_built_in_reader_serves_and_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PLACE, str(tmp_path / "none.so"))
    assert choose().reader == "msgspec"
    assert choose().library is None


def test_a_library_that_is_asked_for_and_missing_is_an_error_that_says_how_to_build_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PLACE, str(tmp_path / "none.so"))
    monkeypatch.setenv(CHOICE, "native")
    with pytest.raises(ReaderMissing, match="not built") as found:
        choose()
    assert found.value.hint == "make native, or unset STARTRAIL_READER"


def test_a_reader_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "simdjson")
    with pytest.raises(UnknownReader, match="'simdjson'"):
        choose()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (f"int startrail_abi(void) {{ return {ABI + 1}; }}", f"of another version: {ABI + 1}, not {ABI}"),
        (f"int startrail_abi(void) {{ return {ABI}; }}", "does not load"),
        ("int other(void) { return 1; }", "does not load"),
    ],
)
def test_a_stale_or_foreign_library_is_not_used_and_the_reader_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, reason: str
) -> None:
    monkeypatch.setenv(PLACE, str(built(tmp_path, code)))
    assert choose().library is None
    assert reason in choose().reader
    with pytest.raises(ReaderMissing, match=reason):
        choose("native")


def test_a_file_that_is_no_library_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("hello")
    monkeypatch.setenv(PLACE, str(tmp_path / "text.so"))
    assert choose().reader.startswith("msgspec (the native reader does not load")


@needs_native
def test_the_built_library_serves_unless_the_other_reader_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose().reader == "native"
    assert processor(choose().library)
    monkeypatch.setenv(CHOICE, "msgspec")
    assert choose().library is None


@needs_native
def test_a_plan_that_the_library_does_not_understand_is_an_error_and_not_a_crash() -> None:
    for plan in (b"", b"{", b"[]", b'{"fields":[{}]}', b'{"fields":[],"spoken":[]}'):
        with pytest.raises(ReaderMissing, match="refuses its plan"):
            opened_plan(choose().library, plan)
