"""Fixtures shared by all tests live in ``tests/fixtures``, one module per real server."""

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.s3",
    "tests.fixtures.ftp",
    "tests.fixtures.http",
]
