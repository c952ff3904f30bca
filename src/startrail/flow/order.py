"""Which of many things may begin, as others end. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Set


class Order:
    """Keys, each with those that must end before it may begin; keys that are not among them count as ended.

    Each key is looked at once for every key it waits for, however many there are.
    """

    def __init__(self, after: Mapping[str, Set[str]]) -> None:
        self._awaited = {key: set(before & after.keys()) for key, before in after.items()}
        self._followers: dict[str, list[str]] = {}
        for key, awaited in self._awaited.items():
            for before in awaited:
                self._followers.setdefault(before, []).append(key)
        self.ready = deque(key for key, awaited in self._awaited.items() if not awaited)
        """Keys that may begin; the caller takes them away from the left."""

    def ended(self, key: str) -> None:
        """What waited for this key alone is ready now."""
        for follower in self._followers.get(key, ()):
            awaited = self._awaited.get(follower)
            if awaited is not None:
                awaited.discard(key)
                if not awaited:
                    self.ready.append(follower)

    def failed(self, key: str) -> list[str]:
        """All keys that will never begin now, because they wait for this one, directly or not. Each is told once."""
        cut: list[str] = []
        behind = deque(self._followers.get(key, ()))
        while behind:
            follower = behind.popleft()
            if self._awaited.pop(follower, None) is not None:
                cut.append(follower)
                behind.extend(self._followers.get(follower, ()))
        return cut
