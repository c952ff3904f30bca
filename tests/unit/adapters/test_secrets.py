"""Secret references."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from startrail.adapters.secrets import NotAReference, SecretMissing, is_reference, resolve, resolve_headers


def test_a_reference_to_the_environment_is_resolved(tmp_path: Path) -> None:
    assert resolve("env:FTP_PASSWORD", tmp_path, {"FTP_PASSWORD": "a:b c"}) == "a:b c"


def test_a_reference_to_a_file_is_relative_to_the_project_and_loses_one_newline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("two\nlines \n\n")
    assert resolve("file:secret", tmp_path) == "two\nlines \n"
    assert resolve(f"file:{tmp_path}/secret", Path("/nowhere")) == "two\nlines \n"


def test_a_reference_to_the_keyring_asks_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, name: {("startrail", "ftp"): "tulip"}.get((service, name))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    assert resolve("keyring:ftp", tmp_path) == "tulip"
    with pytest.raises(SecretMissing, match="ST220 the keyring has no 'other'"):
        resolve("keyring:other", tmp_path)


def test_without_the_keyring_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretMissing, match="install the package keyring"):
        resolve("keyring:ftp", tmp_path)


@pytest.mark.parametrize("reference", ["env:NOT_SET", "env:EMPTY", "file:none", "file:empty", "file:.", "file:binary"])
def test_a_secret_that_is_not_there_is_said_so(tmp_path: Path, reference: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretMissing) as told:
        resolve(reference, tmp_path, {"EMPTY": ""})
    assert told.value.hint


@pytest.mark.parametrize("text", ["hunter2", "", "env:", "vault:x", "ENV:NAME", ":x"])
def test_a_secret_itself_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    assert not is_reference(text)
    with pytest.raises(NotAReference, match="ST221") as told:
        resolve(text, tmp_path)
    assert "hunter2" not in str(told.value)


def test_header_values_may_be_or_end_with_a_reference(tmp_path: Path) -> None:
    declared = {"Authorization": "Bearer env:TOKEN", "X-Key": "env:TOKEN", "Accept": "application/json", "X-Empty": ""}
    assert resolve_headers(declared, tmp_path, {"TOKEN": "t"}) == {
        "Authorization": "Bearer t",
        "X-Key": "t",
        "Accept": "application/json",
        "X-Empty": "",
    }
