"""A PostgreSQL database that can be put back to how it was."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


class Database:
    """One database on a server, named in a variable of the environment, as a profile names it."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._name = f"faults_{secrets.token_hex(6)}"
        self.variable = self._name.upper()
        self._saved = f"{self._name}_saved"
        self._do("create database {}", self._name)

    @property
    def dsn(self) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{self._name}"))

    def save(self) -> None:
        """Remember how it is, in the place of how it was; whoever is still connected is thrown out."""
        self._empty()
        self._do("drop database if exists {}", self._saved)
        self._do("create database {} template {}", self._saved, self._name)

    def restore(self) -> None:
        """As it was saved; whoever is still connected is thrown out."""
        self._empty()
        self._do("drop database {} with (force)", self._name)
        self._do("create database {} template {}", self._name, self._saved)

    def _empty(self) -> None:
        """Return when nobody is connected: the server itself waits for those who go for five seconds only, and the session
        of a process that was killed ends when its backend gets a turn."""
        with psycopg.connect(self._server, autocommit=True) as server:
            server.execute(
                "select pg_terminate_backend(pid, 240000) from pg_stat_activity where datname = %s", (self._name,)
            )  # fmt: skip

    def _do(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as server:
            server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # pyrefly: ignore
