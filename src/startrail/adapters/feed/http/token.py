"""Access tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec
import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, make_headers

from startrail.base.text import printable
from startrail.model import source
from startrail.ports.feed import FeedFailed, FeedForbidden, FeedUnreachable

_LONGEST_ANSWER = 1 << 16
_FORM = "application/x-www-form-urlencoded"


class _Answer(msgspec.Struct):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a word of the protocol


class Token:
    """Asked for when it is first needed, kept in memory only; one for all threads. ``secret`` is the resolved client secret."""

    def __init__(self, declared: source.OAuth, secret: str, pool: urllib3.PoolManager, timeout: float) -> None:
        self._declared, self._secret, self._pool, self._timeout = declared, secret, pool, timeout
        self._value: str | None = None
        self._lock = threading.Lock()

    def header(self) -> dict[str, str]:
        with self._lock:
            if self._value is None:
                self._value = f"Bearer {self._asked()}"
            return {"Authorization": self._value}

    def forget(self, refused: Mapping[str, str]) -> None:
        """This header was refused: the next request asks for a new token, unless another thread did so meanwhile."""
        with self._lock:
            if self._value == refused["Authorization"]:
                self._value = None

    def _asked(self) -> str:
        declared = self._declared
        login = f"{quote(declared.client_id, safe='')}:{quote(self._secret, safe='')}"
        fields = {"grant_type": "client_credentials"} | ({"scope": declared.scope} if declared.scope else {})
        headers = {
            **make_headers(basic_auth=login),
            "Accept": "application/json",
            "User-Agent": "startrail",
            "Content-Type": _FORM,
        }
        try:
            response = self._pool.request(
                "POST",
                declared.token_url,
                body=urlencode(fields),
                headers=headers,
                timeout=Timeout(self._timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            content = response.read(_LONGEST_ANSWER)
            response.close()
        except (HTTPError, OSError) as error:
            told = printable(str(error), 120)
            raise FeedUnreachable(
                f"{declared.token_url} does not answer: {told}", hint="check `token_url` and the network"
            ) from error
        if response.status >= 500 or response.status == 429:
            raise FeedUnreachable(f"{declared.token_url} answered {response.status}", hint="run again later")
        if response.status != 200:
            hint = "check `client_id`, `scope`, and the secret that `client_secret` refers to"
            raise FeedForbidden(f"{declared.token_url} answered {response.status}: it gives us no token", hint=hint)
        try:
            answer = msgspec.json.decode(content, type=_Answer)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise FeedFailed(f"{declared.token_url} answered with no access token", hint="is it the token endpoint?") from error
        if answer.token_type.lower() != "bearer" or not answer.access_token.isascii() or not answer.access_token.isprintable():
            raise FeedFailed(f"{declared.token_url} gives a token that is no bearer token", hint="only these can be used")
        return answer.access_token
