"""Keys of the role that this machine, container or pod has, from the service that hands them out there.

AWS Security Token Service API Reference, "AssumeRoleWithWebIdentity"; AWS SDKs and Tools Reference Guide, "Container credential
provider"; Amazon EC2 User Guide, "Use the Instance Metadata Service". These services are asked without a proxy, except for the
first one, which is a server of the cloud like others.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from startrail.adapters.s3.answer import Unanswered, broken
from startrail.adapters.s3.keys import Keys, no_keys
from startrail.adapters.s3.wire import Reply, Wire, WireError
from startrail.adapters.s3.xml import element
from startrail.base.text import printable

_WAIT_SECONDS = 2.0
_STS_SECONDS = 10.0
_TRIES = 3
_CONTAINERS = "http://169.254.170.2"
_MACHINE = "http://169.254.169.254"
_ROLES = "/latest/meta-data/iam/security-credentials/"
_IN_THE_CLEAR = frozenset(("169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"))
"""Who may be sent a token without TLS, besides the loopback addresses."""


class _Handed(msgspec.Struct, rename="pascal"):
    """What containers and machines are given."""

    access_key_id: str
    secret_access_key: str
    token: str | None = None
    expiration: datetime | None = None


def keys_of_role(region: str) -> Keys:
    """From the service that the environment names, else from the machine's own. Raises Unanswered."""
    said = os.environ.get
    if (file := said("AWS_WEB_IDENTITY_TOKEN_FILE")) and (role := said("AWS_ROLE_ARN")):
        return _of_identity(file, role, region)
    if path := said("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return _of_container(_CONTAINERS + path)
    if address := said("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return _of_container(address)
    if said("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        raise _none("there are none in the environment, and this machine's role is not asked (AWS_EC2_METADATA_DISABLED)")
    return _of_machine(said("AWS_EC2_METADATA_SERVICE_ENDPOINT") or said("AWS_METADATA_ENDPOINT") or _MACHINE)


def domain(region: str) -> str:
    """Where the servers of a region are."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _of_identity(file: str, role: str, region: str) -> Keys:
    said = os.environ.get
    form = {
        "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "DurationSeconds": "3600", "RoleArn": role,
        "RoleSessionName": said("AWS_ROLE_SESSION_NAME") or "startrail", "WebIdentityToken": _read(file),
    }  # fmt: skip
    address = said("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.{domain(region)}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = _asked(Wire(address, timeout=_STS_SECONDS), "POST", address, "/", headers, urlencode(form).encode())
    text = reply.data.decode("utf-8", "replace")
    if reply.status != 200:
        told = printable(f"{reply.status} {element(text, 'Code')}: {element(text, 'Message')}", 200)
        raise _none(f"{_shown(address)} gives none for the role {printable(role, 100)}: {told}")
    access, secret, token = (element(text, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    if not access or not secret:
        raise _none(f"{_shown(address)} gives an answer without keys")
    return Keys(access, secret, token or None, _moment(address, element(text, "Expiration")))


def _of_container(address: str) -> Keys:
    _require_safe(address)
    token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    if file := os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        token = _read(file)
    if token is not None and not (token.isascii() and token.isprintable()):
        raise _none("the token of AWS_CONTAINER_AUTHORIZATION_TOKEN is none that can be sent")
    parts = urlsplit(address)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    wire = Wire(address, timeout=_WAIT_SECONDS, direct=True)
    reply = _asked(wire, "GET", address, target, {"authorization": token} if token is not None else {})
    return _handed(address, reply)


def _of_machine(address: str) -> Keys:
    """With the token of the second version of that service, or without where there is only the first."""
    wire = Wire(address, timeout=_WAIT_SECONDS, direct=True)
    begun = _asked(wire, "PUT", address, "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "600"})
    old = begun.status in (403, 404, 405)
    if begun.status != 200 and not old:
        raise _none(f"{_shown(address)} answered {begun.status}")
    headers = {} if old else {"x-aws-ec2-metadata-token": begun.data.decode("latin-1").strip()}
    role = _asked(wire, "GET", address, _ROLES, headers)
    name = role.data.decode("utf-8", "replace").strip().partition("\n")[0]
    if role.status != 200 or not name:
        raise _none(f"there are none in the environment, and this machine has no role: {_shown(address)} answered {role.status}")
    return _handed(address, _asked(wire, "GET", address, _ROLES + quote(name), headers))


def _handed(address: str, reply: Reply) -> Keys:
    if reply.status != 200:
        raise _none(f"{_shown(address)} answered {reply.status}")
    try:
        found = msgspec.json.decode(reply.data, type=_Handed)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _none(f"{_shown(address)} gives an answer without keys") from error
    return Keys(
        found.access_key_id,
        found.secret_access_key,
        found.token,
        found.expiration.timestamp() if found.expiration is not None else None,
    )


def _asked(wire: Wire, method: str, address: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
    """Any answer but one that may be another a moment later."""
    host = urlsplit(address).netloc.rpartition("@")[2]
    told = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(0.1 * 2**attempt)
        try:
            reply = wire.exchange(method, target, {"host": host, **headers}, [body] if body else (), len(body))
        except WireError as error:
            told = broken(error)
            continue
        if reply.status < 500 and reply.status != 429:
            return reply
        told = f"it answered {reply.status}"
    raise _none(f"there are none in the environment, and {_shown(address)} hands out none: {told}")


def _require_safe(address: str) -> None:
    """Who is sent the token is a service of this machine, or can prove who it is."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme != "http" or not (host in _IN_THE_CLEAR or _is_loopback(host)):
        raise _none("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither an https:// address nor one of this machine")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise _none(f"the token in {printable(file)} cannot be read: {broken(error)}") from error


def _moment(address: str, text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise _none(f"{_shown(address)} does not say when its keys end") from error


def _none(told: str) -> Unanswered:
    return no_keys(printable(told, 400))


def _shown(address: str) -> str:
    parts = urlsplit(address)
    return printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", 100)
