"""Keys are those that were declared, those of the environment, or those of a role, from the service that hands them out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fixtures.http import Answer, HttpServer
from tests.fixtures.roles import ROLE, Machine, as_in_no_cloud

from startrail.adapters.s3 import roles
from startrail.adapters.s3.answer import Unanswered
from startrail.adapters.s3.keys import Keys, Renewed, no_keys
from startrail.adapters.s3.who import who_asks

Says = Callable[..., None]


@pytest.fixture(autouse=True)
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    as_in_no_cloud(monkeypatch)
    monkeypatch.setattr(roles.time, "sleep", lambda seconds: None)

    def say(**said: object) -> None:
        for name, value in said.items():
            monkeypatch.setenv(name, str(value))

    return say


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


def keys() -> Keys:
    found = who_asks(None, None, "eu-south-2")()
    assert found is not None
    return found


def refusal() -> str:
    with pytest.raises(Unanswered) as told:
        who_asks(None, None, "eu-south-2")()
    assert told.value.answer.meaning == "no keys"
    return told.value.answer.told


def test_declared_keys_come_before_those_of_the_environment(says: Says) -> None:
    says(AWS_ACCESS_KEY_ID="env", AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="t")
    assert who_asks("mine", "x", "")() == Keys("mine", "x")
    assert keys() == Keys("env", "s", "t")
    says(AWS_SKIP_SIGNATURE="true")
    assert who_asks(None, None, "")() is None
    assert who_asks("mine", "x", "")() == Keys("mine", "x")


@pytest.mark.parametrize(
    ("given", "told"),
    [(("a", None), "one is missing"), (("", "b"), "one is missing"), (("a\n", "b"), "such as the end of a line")],
)
def test_keys_that_cannot_be_used_are_said_so(given: tuple[str | None, str | None], told: str) -> None:
    with pytest.raises(Unanswered, match=told):
        who_asks(*given, "")()


def test_keys_are_never_shown() -> None:
    assert "hush" not in repr(Keys("hush", "hush", "hush"))


def test_a_machine_hands_out_the_keys_of_its_role(says: Says, machine: Machine) -> None:
    says(AWS_EC2_METADATA_SERVICE_ENDPOINT=machine.address, ALL_PROXY="http://127.0.0.1:9")
    assert keys() == Keys("by-role", "s-by-role", "t-by-role", 4_102_444_800.0)


def test_an_old_machine_does_so_without_a_token(says: Says, machine: Machine) -> None:
    machine.server.routes["/latest/api/token"] = lambda _: Answer(status=404)
    says(AWS_EC2_METADATA_SERVICE_ENDPOINT=machine.address)
    assert keys().access_key == "by-role"


def test_a_machine_without_a_role_has_no_keys(says: Says, machine: Machine) -> None:
    del machine.server.routes[roles._ROLES]
    says(AWS_EC2_METADATA_SERVICE_ENDPOINT=machine.address)
    assert refusal() == f"there are none in the environment, and this machine has no role: {machine.address} answered 404"


def test_no_machine_of_a_cloud_is_asked_in_vain(says: Says) -> None:
    says(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
    assert "http://127.0.0.1:9 hands out none: Connection refused" in refusal()
    says(AWS_EC2_METADATA_DISABLED="true")
    assert "AWS_EC2_METADATA_DISABLED" in refusal()


def test_a_container_hands_out_keys_for_its_token(says: Says, machine: Machine, tmp_path: Path) -> None:
    says(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{machine.address}/container?a=b", AWS_CONTAINER_AUTHORIZATION_TOKEN="one")
    assert keys().access_key == "by-container"
    (tmp_path / "token").write_text("two\n")
    says(AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=tmp_path / "token")
    assert keys().secret_key == "s-by-container"
    asked = [request for request in machine.server.requests if request.path == "/container"]
    assert [request.headers["authorization"] for request in asked] == ["one", "two"]
    assert asked[0].target == "/container?a=b"


def test_a_container_of_the_older_kind_names_a_path_only(says: Says, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "_CONTAINERS", machine.address)
    says(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/container")
    assert keys().access_key == "by-container"


@pytest.mark.parametrize("address", ["http://keys.example.com/", "ftp://127.0.0.1/", "http://[bad", "nowhere"])
def test_the_token_of_a_container_is_sent_to_nobody_else(says: Says, address: str) -> None:
    says(AWS_CONTAINER_CREDENTIALS_FULL_URI=address, AWS_CONTAINER_AUTHORIZATION_TOKEN="hush")
    assert "neither an https:// address nor one of this machine" in refusal()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(b"<html>"), "without keys"),
        (Answer(b'{"AccessKeyId": "a"}'), "without keys"),
        (Answer(b"", 403), "answered 403"),
        (Answer(b"", 503), "it answered 503"),
        (Answer(b"", 302, {"Location": "http://127.0.0.1:9/"}), "answered 302"),
    ],
)
def test_an_answer_without_keys_is_said_so(says: Says, machine: Machine, answer: Answer, told: str) -> None:
    machine.server.routes["/container"] = lambda _: answer
    says(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{machine.address}/container")
    assert told in refusal()


def test_one_bad_moment_is_waited_for(says: Says, machine: Machine) -> None:
    good = machine.server.routes["/container"]
    answers = iter([lambda _: Answer(b"", 500), lambda _: Answer(b"", 429), good])
    machine.server.routes["/container"] = lambda request: next(answers)(request)
    says(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{machine.address}/container")
    assert keys().access_key == "by-container"


def test_an_identity_of_the_web_is_exchanged_for_keys(says: Says, s3_endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.\n")
    says(AWS_WEB_IDENTITY_TOKEN_FILE=tmp_path / "token", AWS_ROLE_ARN=ROLE, AWS_ENDPOINT_URL_STS=s3_endpoint)
    found = keys()
    assert found.access_key.startswith("ASIA")
    assert found.token
    assert found.until is not None


def test_an_identity_that_is_refused_is_said_so(says: Says, http_server: HttpServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hush")
    says(AWS_WEB_IDENTITY_TOKEN_FILE=tmp_path / "token", AWS_ROLE_ARN=ROLE, AWS_ENDPOINT_URL_STS=http_server.address)
    body = b"<E><Error><Code>ExpiredTokenException</Code><Message>it has expired</Message></Error></E>"
    http_server.routes["/"] = lambda _: Answer(body, 400)
    assert refusal() == f"{http_server.address} gives none for the role {ROLE}: 400 ExpiredTokenException: it has expired"
    http_server.routes["/"] = lambda _: Answer(b"<E></E>")
    assert "without keys" in refusal()
    (tmp_path / "token").unlink()
    assert "cannot be read: No such file" in refusal()


# -- keys that end --------------------------------------------------------------------------------------


class Hand:
    """Hands out keys for an hour; ``away`` for a while. ``now`` is the clock."""

    def __init__(self) -> None:
        self.now, self.asked, self.away = 0.0, 0, False
        self.keys = Renewed(self._ask, lambda: self.now)

    def _ask(self) -> Keys:
        self.asked += 1
        if self.away:
            raise no_keys("nobody there")
        return Keys(f"number {self.asked}", "s", None, self.now + 3600)

    def at(self, now: float) -> str:
        self.now = now
        return self.keys().access_key


def test_keys_are_renewed_before_they_end() -> None:
    hand = Hand()
    assert [hand.at(now) for now in (0, 10, 3299, 3301, 3400)] == ["number 1"] * 3 + ["number 2"] * 2


def test_keys_that_cannot_be_renewed_are_used_as_long_as_they_are_good() -> None:
    hand = Hand()
    hand.at(0)
    hand.away = True
    assert [hand.at(now) for now in (3301, 3302, 3330, 3599)] == ["number 1"] * 4
    assert hand.asked == 4  # not for each request
    with pytest.raises(Unanswered, match="nobody there"):
        hand.at(3600)
    hand.away = False
    assert hand.at(3601) == "number 6"


def test_keys_that_are_short_lived_are_not_asked_for_all_the_time() -> None:
    calls: list[int] = []

    def ask() -> Keys:
        calls.append(1)
        return Keys("a", "b", None, 60.0)

    who = Renewed(ask, lambda: 0.0)
    for _ in range(5):
        who()
    assert len(calls) == 1


def test_many_threads_ask_once() -> None:
    hand = Hand()
    threads = [threading.Thread(target=hand.keys) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hand.asked == 1
