"""Fixtures shared by all tests live in ``tests/fixtures``, one module per real server."""

from hypothesis import HealthCheck, settings

from tests.faults.figures import pytest_terminal_summary

pytest_plugins = [
    "tests.fixtures.postgres",
    "tests.fixtures.s3",
    "tests.fixtures.landing",
    "tests.fixtures.ports",
    "tests.fixtures.sqs",
    "tests.fixtures.ftp",
    "tests.fixtures.sftp",
    "tests.fixtures.http",
    "tests.fixtures.mail",
    "tests.fixtures.deliveries",
    "tests.fixtures.readers",
]

# A property is never refused because the machine was busy: neither for one slow example nor for slowly drawn ones.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("any machine")

__all__ = ["pytest_terminal_summary"]
