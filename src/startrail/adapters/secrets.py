"""Secret references: ``env:NAME``, ``file:PATH``, ``keyring:NAME``. What they stand for is never shown."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path

from startrail.base.errors import SourceError
from startrail.base.text import printable


class SecretMissing(SourceError):
    """A secret that a declaration refers to is not there.

    Set the environment variable, write the file, or store it in the keyring under service ``startrail``.
    """

    code = "ST220"


class NotAReference(SourceError):
    """A secret stands in a declaration as it is, or its reference has a form that is not known.

    Declarations live in Git. Write ``env:NAME``, ``file:PATH`` or ``keyring:NAME`` instead, and change the secret
    if it was ever committed.
    """

    code = "ST221"


KINDS = ("env", "file", "keyring")
_FORMS = "write env:NAME, file:PATH or keyring:NAME"


def is_reference(text: str) -> bool:
    """Does the text refer to a secret?"""
    kind, colon, name = text.partition(":")
    return bool(colon and name) and kind in KINDS


def resolve(reference: str, root: Path, environment: Mapping[str, str] | None = None) -> str:
    """The secret. ``root`` is the folder that a relative ``file:`` starts from; one trailing newline is cut."""
    if not is_reference(reference):
        raise NotAReference("a secret must be a reference, not the secret itself", hint=_FORMS)
    kind, _, name = reference.partition(":")
    if kind == "env":
        return _from_environment(name, os.environ if environment is None else environment)
    return _from_file(name, root) if kind == "file" else _from_keyring(name)


def resolve_headers(headers: Mapping[str, str], root: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Header values, those that are references resolved. ``Bearer env:NAME`` works too: the last word may be one."""
    return {name: _resolve_last_word(value, root, environment) for name, value in headers.items()}


def _resolve_last_word(value: str, root: Path, environment: Mapping[str, str] | None) -> str:
    before, space, last = value.rpartition(" ")
    return before + space + resolve(last, root, environment) if is_reference(last) else value


def _from_environment(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        raise SecretMissing(f"the environment variable {printable(name)} is not set", hint=f"export {printable(name)}=…")
    return value


def _from_file(name: str, root: Path) -> str:
    path = root / Path(name).expanduser()
    shown = printable(name)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SecretMissing(f"there is no secret file {shown}", hint="write the secret into it, readable by you alone") from error
    except (OSError, UnicodeError) as error:
        raise SecretMissing(f"the secret file {shown} cannot be read", hint="it must be UTF-8 text that you may read") from error
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise SecretMissing(f"the secret file {shown} is empty", hint="write the secret into it")
    return secret


def _from_keyring(name: str) -> str:
    shown = printable(name)
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        hint = "install the package keyring, or use env:NAME"
        raise SecretMissing(f"keyring:{shown} needs a package that is not installed", hint=hint) from error
    try:
        secret = keyring.get_password("startrail", name)
    except Exception as error:  # its backends raise what they like
        raise SecretMissing(f"the keyring would not give '{shown}'", hint="unlock it, or use env:NAME") from error
    if not secret:
        raise SecretMissing(f"the keyring has no '{shown}'", hint=f"keyring set startrail {shown}")
    return secret
