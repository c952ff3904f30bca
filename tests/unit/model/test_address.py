"""Addresses of e-mail: what servers take, and nothing that could be a second header or recipient."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.model.address import Address, address, is_loopback


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ana@shop.example", Address("ana@shop.example")),
        ("Ana García <ana.garcia+x@mail.shop.example>", Address("ana.garcia+x@mail.shop.example", "Ana García")),
        ('"García, Ana" <a@b>', Address("a@b", "García, Ana")),
        ("a@xn--mller-kva.example", Address("a@xn--mller-kva.example")),
    ],
)
def test_an_address_may_have_a_name(text: str, found: Address) -> None:
    assert address(text) == found
    assert found.domain == found.mailbox.partition("@")[2]


@pytest.mark.parametrize(
    "text",
    [
        "", "ana", "@b.example", "a@", "a@b@c", "a b@c.example", "a@b..example", ".a@b.example", "a@-b.example",
        "a@b.example,c@d.example", "a@b.example>", "<a@b.example> <c@d.example>", "a@b.example\nBcc: c@d.example",
        "a@b.example\r\n", "A\u202e <a@b.example>", "a@müller.example", "ä@b.example", "a" * 65 + "@b.example",
        "a@" + "b." * 130 + "example", "a@b.example\x00", '"a b"@c.example', "a;b@c.example", "a@[127.0.0.1]",
    ],
)  # fmt: skip
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        address(text)


@given(st.text(max_size=60))
def test_what_is_taken_holds_one_at_sign_and_nothing_that_ends_it(text: str) -> None:
    for candidate in (text, f"{text}@b.example", f"x <{text}@b.example>"):
        try:
            found = address(candidate)
        except ValueError:
            continue
        assert found.mailbox.count("@") == 1
        assert found.mailbox.isascii()
        assert not set(found.mailbox) & set(' <>,;:\r\n\0"()[]\\')
        assert found.name.isprintable()


@pytest.mark.parametrize(
    ("host", "near"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("10.0.0.1", False),
     ("localhost.shop.example", False), ("127.0.0.1.shop.example", False), ("", False)],
)  # fmt: skip
def test_only_this_machine_is_near(host: str, near: bool) -> None:
    assert is_loopback(host) is near
