"""Fixtures shared by all tests live in ``tests/fixtures``, one module per real server."""

from tests.faults.figures import pytest_terminal_summary

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.s3",
    "tests.fixtures.landing",
    "tests.fixtures.sqs",
    "tests.fixtures.ftp",
    "tests.fixtures.sftp",
    "tests.fixtures.http",
    "tests.fixtures.mail",
    "tests.fixtures.deliveries",
    "tests.fixtures.readers",
]

__all__ = ["pytest_terminal_summary"]
