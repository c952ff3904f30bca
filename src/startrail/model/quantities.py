"""Text that stands for something else. Written by people in declarations, checked where it is read.

To a type checker each is plain ``str``; ``extra["reads"]`` names the reader in ``project/values.py``, and the
description and examples appear in the published JSON Schemas.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Duration = Annotated[str, Meta(description="A duration", examples=["3 days", "12h", "90s"], extra={"reads": "duration"})]
Days = Annotated[str, Meta(description="A number of whole days", examples=["P3D", "3 days"], extra={"reads": "days"})]
Size = Annotated[str, Meta(description="A size", examples=["700 MB", "2 GiB"], extra={"reads": "size"})]
Share = Annotated[str, Meta(description="A share of the whole", examples=["5%"], extra={"reads": "share"})]
Zone = Annotated[str, Meta(description="An IANA time zone", examples=["Europe/Madrid"], extra={"reads": "zone"})]
Cron = Annotated[str, Meta(description="A cron expression of five fields", examples=["0 3 * * *"], extra={"reads": "cron"})]
WallTime = Annotated[str, Meta(description="A time of day", examples=["09:00"], extra={"reads": "wall time"})]
TypeText = Annotated[str, Meta(description="A data type", examples=["decimal(18,2)", "timestamptz"], extra={"reads": "type"})]
TableText = Annotated[str, Meta(description="namespace.name", examples=["raw.orders"], extra={"reads": "table"})]
Secret = Annotated[
    str,
    Meta(description="A secret reference; never the secret itself", examples=["env:FTP_PASSWORD"], extra={"reads": "secret"}),
]
Dsn = Annotated[
    str,
    Meta(description="A secret reference, or a connection string without password", examples=["env:DSN"], extra={"reads": "dsn"}),
]
Url = Annotated[
    str,
    Meta(description="An http or https address without password", examples=["https://shop.example/api"], extra={"reads": "url"}),
]
Headers = Annotated[dict[str, str], Meta(description="Values may be secret references", extra={"reads": "headers"})]
Pattern = Annotated[
    str,
    Meta(
        description="A pattern of file names; fields as {store} or {date:%Y%m%d}",
        examples=["*.csv", "sales_{date:%Y%m%d}_{store}.csv"],
        extra={"reads": "pattern"},
    ),
]
OneCharacter = Annotated[str, Meta(min_length=1, max_length=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=0)]
Lanes = Annotated[int, Meta(ge=1, le=64)]
PositiveCount = Annotated[int, Meta(ge=1)]
