from startrail.ledger.canonical import canonical_json
from startrail.model.delivery import Counts


def test_equal_values_have_one_text_whatever_the_order_they_were_made_in():
    assert canonical_json({"b": 1, "a": {"d": None, "c": "ü"}}) == canonical_json({"a": {"c": "ü", "d": None}, "b": 1})
    assert canonical_json({"b": 1, "a": [True]}) == '{"a":[true],"b":1}'


def test_structs_are_written_with_sorted_keys():
    assert canonical_json(Counts(3, 2, 1)) == '{"discarded":0,"held":0,"loaded":2,"quarantined":1,"rows_in":3}'
