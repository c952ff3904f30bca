"""What only a server can do to us."""

import psycopg
import pytest
from tests.fixtures.ledgers import NOW, Place, a_delivery, take

from startrail.adapters.ledger.postgres import PostgresLedger, open_ledger
from startrail.adapters.ledger.postgres.failures import reporting
from startrail.base.errors import LedgerError
from startrail.ledger.errors import (
    LedgerBusy,
    LedgerDiskFull,
    LedgerPasswordWrong,
    LedgerReadOnly,
    LedgerRefused,
    LedgerUnreachable,
)
from startrail.model.run import NewFact


@pytest.fixture
def place(postgres_dsn: str, postgres_schema: str):
    found = Place("postgres", postgres_dsn, postgres_schema)
    yield found
    found.close()


def parts(dsn: str) -> dict[str, str]:
    return {name: str(value) for name, value in psycopg.conninfo.conninfo_to_dict(dsn).items()}


def test_a_server_that_is_not_there_is_a_transient_error_that_names_it():
    with pytest.raises(LedgerUnreachable, match=r"127\.0\.0\.1:1/shop") as caught:
        open_ledger("postgresql://me:hidden@127.0.0.1:1/shop")
    assert caught.value.transient
    assert "hidden" not in str(caught.value)


def test_a_host_that_does_not_exist_is_unreachable():
    with pytest.raises(LedgerUnreachable):
        open_ledger("postgresql://me@no-such-host.invalid/shop")


def test_a_wrong_or_missing_password_is_not_worth_trying_again(postgres_dsn: str):
    with pytest.raises(LedgerPasswordWrong) as caught:
        open_ledger(psycopg.conninfo.make_conninfo(**parts(postgres_dsn) | {"password": "wrong-one"}))
    assert not caught.value.transient
    assert "wrong-one" not in str(caught.value)
    without = {name: value for name, value in parts(postgres_dsn).items() if name != "password"}
    with pytest.raises(LedgerPasswordWrong):
        open_ledger(psycopg.conninfo.make_conninfo(**without))


def test_a_database_that_is_not_there_is_refused(postgres_dsn: str):
    with pytest.raises(LedgerRefused, match="nowhere"):
        open_ledger(psycopg.conninfo.make_conninfo(**parts(postgres_dsn) | {"dbname": "nowhere"}))


def test_text_that_is_no_connection_string_is_refused_without_repeating_it():
    with pytest.raises(LedgerRefused) as caught:
        open_ledger("my-secret-password")
    assert "my-secret-password" not in str(caught.value)


def test_a_user_without_rights_is_told_which(place: Place):
    place.open()
    role = place.schema.replace(" ", "_")
    place.sql(f"create role \"{role}\" login password 'pw'")
    dsn = psycopg.conninfo.make_conninfo(**parts(place.address) | {"user": role, "password": "pw"})
    with pytest.raises(LedgerRefused, match="may not read"):
        open_ledger(dsn, place.schema)
    with pytest.raises(LedgerReadOnly):
        open_ledger(dsn, place.schema + " other")
    place.sql(
        f'grant usage on schema "{place.schema}" to "{role}"',
        f'grant select on all tables in schema "{place.schema}" to "{role}"',
    )
    ledger = open_ledger(dsn, place.schema)
    assert ledger.runs() == []
    with pytest.raises(LedgerReadOnly):
        take(ledger)
    ledger.close()


def test_a_writer_that_waits_too_long_says_so_and_readers_never_wait(place: Place):
    ledger = place.open(busy_seconds=0.05)
    lease = take(ledger)
    stuck = place.open()
    assert isinstance(stuck, PostgresLedger)
    with stuck._writing():
        with pytest.raises(LedgerBusy):
            ledger.release(lease)
        assert ledger.holder("runner") == lease
    ledger.release(lease)


def test_a_broken_connection_is_a_transient_error_and_the_next_call_connects_again(place: Place):
    ledger = place.open()
    ledger.append([NewFact("k", "s")], run=None, at=NOW)
    place.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'startrail'")
    with pytest.raises(LedgerUnreachable):
        ledger.latest_fact()
    assert ledger.latest_fact() is not None
    ledger.append([NewFact("k", "t")], run=None, at=NOW)
    assert ledger.verify().facts == 2


def test_a_closed_ledger_stays_closed(place: Place):
    ledger = place.open()
    ledger.close()
    with pytest.raises(ValueError, match="closed"):
        ledger.latest_fact()


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (psycopg.errors.DiskFull("no space left"), LedgerDiskFull),
        (psycopg.errors.DeadlockDetected("x"), LedgerBusy),
        (psycopg.errors.TooManyConnections("x"), LedgerUnreachable),
        (psycopg.errors.AdminShutdown("x"), LedgerUnreachable),
        (psycopg.errors.ReadOnlySqlTransaction("x"), LedgerReadOnly),
    ],
)
def test_what_the_server_reports_becomes_an_error_of_ours(raised: psycopg.Error, expected: type[LedgerError]):
    with pytest.raises(expected), reporting("PostgreSQL here"):
        raise raised


def test_what_is_a_bug_stays_what_it_is():
    with pytest.raises(psycopg.errors.DivisionByZero), reporting("PostgreSQL here"):
        raise psycopg.errors.DivisionByZero("x")


def test_pending_among_many_deliveries_is_answered_by_its_index(place: Place):
    ledger = place.open()
    ledger.record_delivery(a_delivery("waiting"), "", take(ledger))
    place.sql(
        "insert into deliveries (id, source, name, sha256, size, landed_at, media, run, loaded)"
        " select n::text, 'orders', n::text, n::text, 1, '2026', 'csv', 'r', 1 from generate_series(1, 20000) n",
        "analyze deliveries",
    )
    assert [delivery.name for delivery, _ in ledger.pending("orders")] == ["waiting"]
    from startrail.adapters.ledger.postgres.ledger import _STATEMENTS

    text = _STATEMENTS["deliveries.pending"].replace("%(source)s", "'orders'")
    plan = "\n".join(row[0] for row in place.sql("explain " + text))
    assert "deliveries_pending" in plan
