"""A till's receipts as CSV, one row an item: sales, returns and write-offs, by the columns that the settings name.

This is what the node calls. A file may come in pieces: rows of a receipt that is not known to be complete wait for the
next piece (`csv_pos.table`). `csv_pos.settings` says how a till writes, `csv_pos.row` reads one item, and
`csv_pos.receipt` makes commands of the items of a receipt.
"""

from wit_world import exports
from wit_world.exports.inbound import Command, Translation
from wit_world.imports import log, metrics
from wit_world.imports.types import Context, Message, Piece

from csv_pos import row
from csv_pos.receipt import Receipt, name_of
from csv_pos.row import Refused
from csv_pos.settings import Settings
from csv_pos.table import Table
from csv_pos.text import quoted


class Inbound(exports.Inbound):
    """The plugin."""

    def translate(self, message: Message, context: Context) -> Translation:
        return Call(message.piece, Settings.of(context.config)).translation()


class Call:
    """One piece on its way to commands."""

    def __init__(self, piece: Piece, settings: Settings):
        self.settings = settings
        self.table = Table(piece, settings)
        self.is_last = piece.last
        self.commands: list[Command] = []
        self.open: Receipt | None = None
        # Where the rows begin that were passed over.
        self.refused: list[int] = []

    def translation(self) -> Translation:
        for record in self.table:
            try:
                self.take(row.read(record, self.settings), record.start)
            except Refused as refused:
                self.pass_over(refused, record.start)
        rest = self.finish()
        metrics.count("refused-rows", len(self.refused))
        return Translation(self.commands, self.table.carry(rest))

    def take(self, item: row.Row, start: int) -> None:
        if self.open and self.open.takes(item):
            self.open.rows.append(item)
            return
        if self.open:
            self.commands += self.open.commands()
        times = self.table.receipts.begin(name_of(item))
        self.open = Receipt(item, start, times)

    def pass_over(self, refused: Refused, start: int) -> None:
        if not self.settings.skips_bad_rows:
            raise refused.failure()
        self.refused.append(start)
        log.write(log.Level.WARN, f"{refused.field} {quoted(refused.value)}: {refused.rule}")

    def finish(self) -> int | None:
        """Closes the receipt that is open, or says where it begins so that its rows wait for the next piece."""
        if not self.open:
            return None
        if self.is_last:
            self.commands += self.open.commands()
            return None
        self.table.receipts.take_back(self.open.name)
        # What the next call reads again, it counts.
        self.refused = [start for start in self.refused if start < self.open.start]
        return self.open.start
