"""Keeps redirects of a bucket from leading to servers that nobody declared, such as those of the network we are in.

The library for object stores follows redirects, and has no option not to. But every host that is not named as reached
directly can be given a proxy, and this one takes no connection.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

DEAD_END = "127.0.0.1:0"
_CLOUD = ("amazonaws.com", "amazonaws.com.cn")
"""Where the cloud's own buckets send to one another, and where it hands out keys."""
_KEYS = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23")
"""Where a machine of the cloud asks for its keys."""
_SAID = ("AWS_ENDPOINT", "AWS_METADATA_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


def fenced(endpoint: str | None, *, has_keys: bool) -> dict[str, str]:
    """Options of the library's client. None where the environment declares a proxy, which has to decide then."""
    if any(os.environ.get(name) for proxy in ("http_proxy", "https_proxy", "all_proxy") for name in (proxy, proxy.upper())):
        return {}
    hosts = [] if endpoint is None else [_host(endpoint)]
    if endpoint is None or not has_keys:
        hosts += _CLOUD
        hosts += [_host(value) for name, value in sorted(os.environ.items()) if name.startswith(_SAID)]
    if not has_keys:
        hosts += _KEYS
    return {"proxy_url": f"http://{DEAD_END}", "proxy_excludes": ",".join(filter(None, hosts))}


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
