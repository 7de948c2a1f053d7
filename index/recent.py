"""A cache that is bounded by the size of what it holds, not by how many things that is: documents are of any size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Gives `make(key)`, and keeps what was asked for last: `size(key, value)` of all of it is at most `most`.

    The last one is kept whatever its size, since it is asked for again and again. Safe to share by threads.
    """

    def __init__(self, make: Callable[[Key], Value], size: Callable[[Key, Value], int], most: int) -> None:
        self._make, self._size, self._most = make, size, most
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()

    def __call__(self, key: Key) -> Value:
        """The value for a key. Raises what `make` raises."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = self._make(key)
        with self._lock:
            if key not in self._kept:  # another thread may have been quicker
                self._kept[key] = value
                self._total += self._size(key, value)
            while self._total > self._most and len(self._kept) > 1:
                self._total -= self._size(*self._kept.popitem(last=False))
        return value
