"""A wire of declared speed between two programs on this machine, since loopback measures processors and no wire.

    python -m benchmarks.transfer_wire PORT FAR_PORT MBIT_PER_S DELAY_MS

A relay in a process of its own: it needs no rights, where the kernel's netem wants root and a module that many kernels lack.
All connections share the rate, each way for itself; what is sent arrives after the delay, and a connection takes a round trip to
open. Passive FTP is followed: the ports that a server names lie behind the same wire. Slow start and loss are not modelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.transfer_servers import Far, free_port, running

_BLOCK = 1 << 16
_UNDER_WAY = 64
"""Blocks of one connection, at most: a window of 4 MB."""
_PASV = re.compile(rb"227 [^(]*\((\d+,\d+,\d+,\d+),(\d+),(\d+)\)")
_EPSV = re.compile(rb"229 [^(]*\(\|\|\|(\d+)\|\)")
_Follow = Callable[[bytes], Awaitable[bytes]]


class Speed(NamedTuple):
    """Megabits a second, and milliseconds each way."""

    rate: int
    delay: float


@contextmanager
def wired(far: Far, speed: Speed) -> Iterator[Far]:
    """The same server at the other end of a wire."""
    port = free_port()
    words: list[str | Path] = [sys.executable, "-m", "benchmarks.transfer_wire", *map(str, (port, far.port, *speed))]
    with running(words, port, Path("/dev/null")):
        yield far._replace(port=port)


class _Way:
    """One direction."""

    def __init__(self, speed: Speed) -> None:
        self._bytes_a_second, self._delay = speed.rate * 125_000, speed.delay / 1000
        self._free = 0.0

    def arrival(self, size: int) -> float:
        """When the last of so many bytes is there, of which the first leaves as soon as those before it have left."""
        self._free = max(self._free, asyncio.get_running_loop().time()) + size / self._bytes_a_second
        return self._free + self._delay


class _Wire:
    def __init__(self, speed: Speed) -> None:
        self._speed = speed
        self._out, self._back = _Way(speed), _Way(speed)

    async def listen(self, port: int, far: int) -> int:
        """Relay every connection to ``far``; returns the port."""

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(2 * self._speed.delay / 1000)
            try:
                theirs, ours = await asyncio.open_connection("127.0.0.1", far, limit=_BLOCK)
            except OSError:
                writer.close()
                return
            await asyncio.gather(_carry(reader, ours, self._out), _carry(theirs, writer, self._back, self._followed))

        server = await asyncio.start_server(accepted, "127.0.0.1", port, limit=_BLOCK)
        return int(server.sockets[0].getsockname()[1])

    async def _followed(self, data: bytes) -> bytes:
        """An answer that names a port, with a port of ours."""
        if len(data) > 200:
            return data
        if (found := _PASV.search(data)) is not None:
            port = await self.listen(0, int(found[2]) * 256 + int(found[3]))
            return data.replace(b"%b,%b,%b" % found.groups(), b"127,0,0,1,%d,%d" % divmod(port, 256))
        if (found := _EPSV.search(data)) is not None:
            return data.replace(b"|||%b|" % found[1], b"|||%d|" % await self.listen(0, int(found[1])))
        return data


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Way, follow: _Follow | None = None) -> None:
    coming: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)
    delivering = asyncio.create_task(_deliver(coming, writer))
    with contextlib.suppress(OSError):
        while data := await reader.read(_BLOCK):
            if follow is not None:
                data = await follow(data)
            await coming.put((way.arrival(len(data)), data))
    await coming.put((way.arrival(0), b""))
    await delivering


async def _deliver(coming: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    clock = asyncio.get_running_loop().time
    broken = False
    while True:
        when, data = await coming.get()
        await asyncio.sleep(max(0.0, when - clock()))
        if not data:
            break
        try:
            if not broken:
                writer.write(data)
                await writer.drain()
        except OSError:
            broken = True
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
        await asyncio.sleep(0.05)
    writer.close()


async def _serve(port: int, far: int, speed: Speed) -> None:
    await _Wire(speed).listen(port, far)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2]), Speed(int(sys.argv[3]), float(sys.argv[4]))))
