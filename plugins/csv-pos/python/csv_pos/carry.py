"""What one call hands to the next: how many rows came before, the line of names, how often each receipt was begun, and
the bytes from the first row on that is not done with."""

import re
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from hashlib import blake2b

from componentize_py_types import Err

from csv_pos.failure import malformed

# The most bytes that wait for the next piece: a receipt of as many rows as a command has lines, of 128 bytes each.
MAX_REST = 128 * 1024
# How many receipts are remembered before those begin to be forgotten that came before them: 240 KB. A till that
# interrupts a receipt goes on with it sooner.
GENERATION = 20_000
# What stands for a receipt: a hash of its name, and how often it was begun.
HASH_BYTES = 8
TIMES_BYTES = 4
RECEIPT_BYTES = HASH_BYTES + TIMES_BYTES
# Rows, and the bytes of the names, of the old receipts and of the young ones.
HEAD = re.compile(rb"([0-9]{1,18}) ([0-9]{1,9}) ([0-9]{1,9}) ([0-9]{1,9})\n")


class Sorted:
    """Receipts by hash, and how often each was begun: all hashes, then all counts. Reading them into a dictionary would
    take more of what a call may use than everything else."""

    def __init__(self, data: bytes = b""):
        hashes = len(data) // RECEIPT_BYTES * HASH_BYTES
        self._hashes = array("Q", data[:hashes])
        self._times = array("I", data[hashes:])

    def __len__(self) -> int:
        return len(self._hashes)

    def get(self, hash: int) -> int:
        place = bisect_left(self._hashes, hash)
        is_there = place < len(self._hashes) and self._hashes[place] == hash
        return self._times[place] if is_there else 0

    def set(self, hash: int, times: int) -> None:
        place = bisect_left(self._hashes, hash)
        if place < len(self._hashes) and self._hashes[place] == hash:
            self._times[place] = times
        else:
            self._hashes.insert(place, hash)
            self._times.insert(place, times)

    def data(self) -> bytes:
        return self._hashes.tobytes() + self._times.tobytes()


@dataclass
class Receipts:
    """How often each receipt of the file was begun."""

    # Those before the young ones.
    old: Sorted = field(default_factory=Sorted)
    # Those of the calls before.
    young: Sorted = field(default_factory=Sorted)
    # Those of this call.
    new: dict[int, int] = field(default_factory=dict)

    def begin(self, name: str) -> int:
        """A receipt begins: how often it did, this time included."""
        hash = hash_of(name)
        times = self.new.get(hash) or self._before(hash)
        self.new[hash] = times + 1
        return times + 1

    def take_back(self, name: str) -> None:
        """A receipt that was begun in this call will be read again."""
        hash = hash_of(name)
        times = self.new.pop(hash) - 1
        if times > self._before(hash):
            self.new[hash] = times

    def grown(self) -> tuple[bytes, bytes]:
        """What the next call needs: the old ones and the young ones."""
        for hash, times in self.new.items():
            self.young.set(hash, times)
        if len(self.young) > GENERATION:
            return self.young.data(), b""
        return self.old.data(), self.young.data()

    def _before(self, hash: int) -> int:
        return self.young.get(hash) or self.old.get(hash)


@dataclass
class Carry:
    """What is handed over."""

    # Rows before the rest.
    rows: int = 0
    # The line of names as it stands in the file; empty before the first piece.
    names: bytes = b""
    receipts: Receipts = field(default_factory=Receipts)
    rest: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> "Carry":
        """Reads what a call handed over. Raises a failure when it is none of this plugin's."""
        if not data:
            return cls()
        head = HEAD.match(data)
        if not head:
            raise not_ours()
        rows, *lengths = map(int, head.groups())
        begin, parts = head.end(), []
        for length in lengths:
            parts.append(data[begin : begin + length])
            begin += length
        names, old, young = parts
        if begin > len(data) or len(old) % RECEIPT_BYTES or len(young) % RECEIPT_BYTES:
            raise not_ours()
        return cls(rows, names, Receipts(Sorted(old), Sorted(young)), data[begin:])

    def write(self) -> bytes:
        """What to hand over. Raises a failure when a row or receipt is longer than a till's can be."""
        if len(self.rest) > MAX_REST:
            raise malformed("body", "", f"a row or receipt is longer than {MAX_REST} bytes")
        old, young = self.receipts.grown()
        head = f"{self.rows} {len(self.names)} {len(old)} {len(young)}\n"
        return b"".join((head.encode(), self.names, old, young, self.rest))


def not_ours() -> Err:
    return malformed("carry", "", "it is not what this plugin hands over")


def hash_of(name: str) -> int:
    """The same on every machine. Two receipts of one hash cost no more than a number behind the second."""
    return int.from_bytes(blake2b(name.encode(), digest_size=HASH_BYTES).digest(), "little")
