"""Secrets of a function, from the parameter store of its cloud."""

from __future__ import annotations

from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from startrail.adapters.secrets import SecretMissing
from startrail.base.text import printable

_AT_ONCE = 10


def read_parameters(prefix: str, names: Sequence[str]) -> dict[str, str]:
    """The decrypted values of parameters by the ends of their names. Raises SecretMissing for one that is not there."""
    found: dict[str, str] = {}
    missing = names
    try:
        client = boto3.Session().client("ssm")
        for start in range(0, len(names), _AT_ONCE):
            few = [prefix + name for name in names[start : start + _AT_ONCE]]
            answer = client.get_parameters(Names=few, WithDecryption=True)
            found |= {each["Name"].removeprefix(prefix): each["Value"] for each in answer["Parameters"]}
        missing = [name for name in names if name not in found]
    except (BotoCoreError, ClientError, OSError) as error:
        told = printable(str(error), limit=300)
        raise SecretMissing(f"the parameters of this function cannot be read: {told}", hint="check the role's rights") from error
    if missing:
        told = ", ".join(prefix + name for name in missing)
        raise SecretMissing(f"there is no parameter {printable(told, 300)}", hint="aws ssm put-parameter --type SecureString")
    return found
