"""The items of a receipt as commands."""

from wit_world.exports.inbound import (
    AdjustStock,
    Command,
    Command_AdjustStock,
    Command_RecordReturn,
    Command_RecordSale,
    RecordReturn,
    RecordSale,
)
from wit_world.imports.types import Line, LineContent_Charge, LineContent_Sku, StockLine

from csv_pos.moment import compact
from csv_pos.row import Row, What

# The most lines of a sale that a node records. A longer receipt is several.
MAX_LINES = 500


def name_of(row: Row) -> str:
    """What a receipt is called: tills begin their numbers anew, so the time of its first row belongs to it, and the
    place where the file has several."""
    place = f"{row.location}/" if row.location is not None else ""
    return f"{place}{row.receipt}@{compact(row.at)}"


class Receipt:
    """Rows that stand together under one number, at one place."""

    def __init__(self, row: Row, start: int, times: int):
        self.rows = [row]
        # Where its first row begins.
        self.start = start
        self.name = name_of(row)
        # How often the file began one of this name, this time included.
        self._times = times

    def takes(self, row: Row) -> bool:
        """Whether a row belongs to it."""
        first = self.rows[0]
        return len(self.rows) < MAX_LINES and first.receipt == row.receipt and first.location == row.location

    def commands(self) -> list[Command]:
        """What it comes to: a sale, a return, and each unit that was written off."""
        sold = [line(row) for row in self.rows if row.what in (What.SOLD, What.CHARGED)]
        taken_back = [StockLine(row.code, row.units) for row in self.rows if row.what is What.TAKEN_BACK]
        written_off = [self._write_off(row) for row in self.rows if row.what is What.WRITTEN_OFF]
        commands = []
        if sold:
            commands.append(self._sale(sold))
        if taken_back:
            commands.append(self._return(taken_back))
        return commands + written_off

    def _reference(self) -> str:
        """A node takes what comes under one reference once. So what follows under a name that was there before has one
        of its own."""
        return f"{self.name}#{self._times}" if self._times > 1 else self.name

    def _sale(self, lines: list[Line]) -> Command:
        first = self.rows[0]
        sale = RecordSale(
            self._reference(), lines, first.customer, first.unit_price.currency, first.at, first.location
        )
        return Command_RecordSale(sale)

    def _return(self, lines: list[StockLine]) -> Command:
        first = self.rows[0]
        return Command_RecordReturn(RecordReturn(self._reference(), None, lines, first.at, first.location))

    def _write_off(self, row: Row) -> Command:
        return Command_AdjustStock(AdjustStock(self._reference(), row.code, -row.units, None, row.at, row.location))


def line(row: Row) -> Line:
    content = LineContent_Charge(row.code) if row.what is What.CHARGED else LineContent_Sku(row.code)
    return Line(content, row.units, row.unit_price, None)
