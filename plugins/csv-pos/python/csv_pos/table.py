"""The rows of a file that may come in pieces."""

from collections.abc import Iterator
from dataclasses import dataclass

from componentize_py_types import Err
from wit_world.imports.types import Piece

from csv_pos.carry import Carry
from csv_pos.failure import malformed
from csv_pos.reader import BYTE_ORDER_MARK, OPEN, Reader
from csv_pos.settings import Columns, Settings

# What the names of columns may have around them.
WHITE_SPACE = "\t\n\f\r "


@dataclass(frozen=True, slots=True)
class Places:
    """Which field each column is, and how many there are."""

    receipt: int
    sku: int
    quantity: int
    unit_price: int
    time: int
    customer: int | None
    location: int | None
    width: int


@dataclass(frozen=True, slots=True)
class Record:
    """One row."""

    fields: list[str]
    # The rule that its quotes break.
    broken: str | None
    places: Places
    # Its number in the file, from 1.
    number: int
    # Where it begins in the bytes of this call.
    start: int


class Table:
    """The rows of a piece, behind those that the last call left."""

    def __init__(self, piece: Piece, settings: Settings):
        """Raises a failure when the line of names lacks a column or what was carried is none of this plugin's."""
        carried = Carry.read(piece.carry)
        names, body = carried.names, carried.rest + piece.bytes
        if not names:
            names, body = split_names(body.removeprefix(BYTE_ORDER_MARK), settings, piece.last)
        self.receipts = carried.receipts
        self._names = names
        self._places = places(Reader(names, settings.delimiter).next(), settings.columns)
        self._reader = Reader(body, settings.delimiter)
        self._is_last = piece.last
        # Rows of the file before those that this call reads.
        self._rows_before = carried.rows
        # Where each row that was read begins.
        self._starts: list[int] = []
        # Where the bytes begin that are no complete row yet.
        self._rest = 0

    def __iter__(self) -> Iterator[Record]:
        """The rows that are known to be complete."""
        reader, starts = self._reader, self._starts
        start = 0
        while (fields := reader.next()) is not None:
            # A row that ends where the piece does, or within quotes, may go on in the next one.
            if not self._is_last and (reader.position >= len(reader.body) or reader.broken == OPEN):
                self._rest = start
                return
            starts.append(start)
            yield Record(fields, reader.broken, self._places, self._rows_before + len(starts), start)
            start = reader.position
        self._rest = reader.position

    def carry(self, begin: int | None = None) -> bytes:
        """What the next call needs, its rows from a place on not being done with.

        Raises a failure when that is more than a till's row or receipt can be.
        """
        if self._is_last:
            return b""
        if begin is None:
            begin = self._rest
        done = sum(start < begin for start in self._starts)
        rest = self._reader.body[begin:]
        return Carry(self._rows_before + done, self._names, self.receipts, rest).write()


def split_names(body: bytes, settings: Settings, is_last: bool) -> tuple[bytes, bytes]:
    """The line of names and what follows. It must be whole: the first piece is longer than it."""
    reader = Reader(body, settings.delimiter)
    if not reader.next() or (not is_last and reader.position == len(body)):
        raise no_names()
    return body[: reader.position], body[reader.position :]


def no_names() -> Err:
    return malformed("body", "", "it must begin with a line of column names")


def places(named: list[str] | None, columns: Columns) -> Places:
    if not named:
        raise no_names()
    names = [name.strip(WHITE_SPACE) for name in named]

    def place(column: str | None) -> int | None:
        return None if column is None else place_of(column, names)

    return Places(
        receipt=place(columns.receipt),
        sku=place(columns.sku),
        quantity=place(columns.quantity),
        unit_price=place(columns.unit_price),
        time=place(columns.time),
        customer=place(columns.customer),
        location=place(columns.location),
        width=len(names),
    )


def place_of(column: str, names: list[str]) -> int:
    chars = column.encode().decode("latin-1")
    if chars not in names:
        raise malformed("columns", column, "the line of names has no such column")
    if names.count(chars) > 1:
        raise malformed("columns", column, "the line of names has it twice")
    return names.index(chars)
