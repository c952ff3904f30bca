import pytest

from startrail.ledger.cursor import later


@pytest.mark.parametrize(
    ("one", "other", "greater"),
    [
        (None, None, None),
        (None, "1", "1"),
        ("1", None, "1"),
        ("9", "10", "10"),
        ("-9", "-10", "-9"),
        ("2026-10-03T09:00:00+02:00", "2026-10-03T08:00:00Z", "2026-10-03T08:00:00Z"),
        ("2026-10-03T09:00:00.5Z", "2026-10-03T09:00:00Z", "2026-10-03T09:00:00.5Z"),
        ("2026-10-03", "2026-10-04", "2026-10-04"),
        ("2026-10-03T09:00:00", "2026-10-03T08:00:00Z", "2026-10-03T09:00:00"),
        ("abc", "abd", "abd"),
        ("9", "b", "b"),
        ("²", "1", "²"),
        ("9" * 5000, "1" * 5000, "9" * 5000),
    ],
)
def test_the_greater_cursor_by_number_then_time_then_text(one, other, greater):
    assert later(one, other) == greater
    assert later(other, one) == greater
