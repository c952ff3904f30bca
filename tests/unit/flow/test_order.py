"""Order: nothing begins too early, nothing is forgotten, a failure stops exactly what stands behind it."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from startrail.flow.order import Order


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Keys with those they wait for, among earlier ones, and the keys that will fail."""
    keys = [f"k{number}" for number in range(draw(st.integers(0, 12)))]
    after = {
        key: frozenset(draw(st.sets(st.sampled_from(keys[:place])))) if place else frozenset() for place, key in enumerate(keys)
    }
    return after, frozenset(draw(st.sets(st.sampled_from(keys)))) if keys else frozenset()


@given(graphs(), st.randoms())
def test_each_key_begins_after_what_it_waits_for_or_stands_behind_a_failure(
    graph: tuple[dict[str, frozenset[str]], frozenset[str]], random: Random
) -> None:
    after, failing = graph
    order = Order(after)
    begun: list[str] = []
    fine: set[str] = set()
    cut: list[str] = []
    running: list[str] = []
    while order.ready or running:
        while order.ready:
            key = order.ready.popleft()
            assert after[key] & after.keys() <= fine
            begun.append(key)
            running.append(key)
        key = running.pop(random.randrange(len(running)))
        if key in failing:
            cut += order.failed(key)
        else:
            fine.add(key)
            order.ended(key)
    assert sorted(begun + cut) == sorted(after)
    assert set(cut) == {key for key in after if _behind(key, after) & failing}


def test_what_is_not_among_the_keys_counts_as_ended() -> None:
    assert list(Order({"a": frozenset(("done before",))}).ready) == ["a"]


def _behind(key: str, after: dict[str, frozenset[str]]) -> frozenset[str]:
    """All that a key waits for, directly or not."""
    return after[key].union(*(_behind(before, after) for before in after[key] & after.keys()))
