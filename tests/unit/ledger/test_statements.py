import pytest

from startrail.adapters.ledger.statements import Statements, parse

TEXT = """-- About this file.

-- name: columns
select a, b from t

-- Why this one is there.
-- name: one
-- use: columns
where a = :a;

-- name: all
-- use: columns
"""


def test_blocks_are_found_by_name_without_comments_and_with_shared_parts():
    assert parse(TEXT) == {
        "columns": "select a, b from t",
        "one": "select a, b from t\n\nwhere a = :a",
        "all": "select a, b from t",
    }


def test_a_file_is_read_when_one_of_its_statements_is_wanted(tmp_path):
    statements = Statements(tmp_path)
    (tmp_path / "t.sql").write_text(TEXT)
    assert statements["t.all"] == "select a, b from t"
    (tmp_path / "t.sql").unlink()
    assert statements["t.columns"] == "select a, b from t"
    with pytest.raises(FileNotFoundError):
        statements["other.one"]
