"""One row: an item of a receipt."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from componentize_py_types import Err
from wit_world.imports.types import UnitPrice

from csv_pos.failure import malformed
from csv_pos.moment import moment
from csv_pos.settings import Settings
from csv_pos.table import Record
from csv_pos.text import decoded, is_short

# The largest quantity that a node records in a line.
MAX_UNITS = 1_000_000_000
# What an integer of 64 bits holds.
MAX_INTEGER = 2**63 - 1
# The largest amount that a node records.
MAX_AMOUNT = 10**15
# The most decimals of a unit price.
MAX_SCALE = 9
# The longest SKU that a node takes, in bytes.
MAX_SKU = 64
# The longest number of a receipt, in bytes: with a location, a time and a count behind it a reference takes it.
MAX_RECEIPT = 56
# The longest customer's reference, in bytes.
MAX_CUSTOMER = 128

WHOLE = re.compile("[+-]?[0-9]+")
DECIMAL = re.compile("(-?)([0-9]+)(?:\\.([0-9]+))?")


class What(Enum):
    """What happened to the goods, if they are any."""

    SOLD = auto()
    # Money and no goods.
    CHARGED = auto()
    TAKEN_BACK = auto()
    WRITTEN_OFF = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """An item."""

    receipt: str
    what: What
    code: str
    # At least 1.
    units: int
    unit_price: UnitPrice
    # Microseconds since 1970.
    at: int
    customer: str | None
    location: str | None


class Refused(Exception):
    """Why a row is refused."""

    def __init__(self, field: str, value: str, rule: str):
        super().__init__(field, value, rule)
        self.field, self.value, self.rule = field, value, rule

    def failure(self) -> Err:
        return malformed(self.field, self.value, self.rule)


def read(record: Record, settings: Settings) -> Row:
    """Reads a row. Raises `Refused`: which field of which row, and why."""
    names, places, fields = settings.columns, record.places, record.fields

    def valid(name: str, value: str, reads: Callable, *given, shown: str | None = None):
        """What a function makes of a value; where it breaks a rule, the row is refused."""
        try:
            return reads(value, *given)
        except ValueError as broken:
            shown = value if shown is None else shown
            raise Refused(f"row {record.number}, {name}", shown, str(broken)) from None

    valid("fields", "", check_fields, record)
    receipt = valid(names.receipt, fields[places.receipt], filled, shown="")
    code = valid(names.sku, fields[places.sku], filled, shown="")
    valid(names.receipt, receipt, check_short, MAX_RECEIPT)
    valid(names.sku, code, check_short, MAX_SKU)
    quantity = valid(names.quantity, fields[places.quantity], filled, shown="")
    price = valid(names.unit_price, fields[places.unit_price], filled, shown="")
    time = valid(names.time, fields[places.time], filled, shown="")
    units = valid(names.quantity, quantity, whole_units, settings)
    what = valid(names.sku, code, what_of, receipt, units > 0, settings)
    unit_price = valid(names.unit_price, price, unit_price_of, settings)
    at = valid(names.time, time, moment, settings.offset)
    customer = valid("customer", optional(record, places.customer), text_of, shown="")
    valid("customer", customer, check_short, MAX_CUSTOMER)
    location = valid("location", optional(record, places.location), location_of, settings, shown="")
    return Row(receipt, what, code, abs(units), unit_price, at, customer or None, location)


def check_fields(_: str, record: Record) -> None:
    if record.broken:
        raise ValueError(record.broken)
    found, width = len(record.fields), record.places.width
    if found != width:
        raise ValueError(f"it has {found} fields, the line of names has {width}")


def optional(record: Record, place: int | None) -> str:
    """A field whose column may not be read at all."""
    return "" if place is None else record.fields[place]


def text_of(chars: str) -> str:
    try:
        return decoded(chars)
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8") from None


def filled(chars: str) -> str:
    text = text_of(chars)
    if not text:
        raise ValueError("it must not be empty")
    return text


def check_short(text: str, most: int) -> None:
    if not is_short(text, most):
        raise ValueError(f"it must have at most {most} bytes and no control characters")


def whole_units(text: str, settings: Settings) -> int:
    """A whole number of units, with zeros behind the point or without; never 0."""
    whole, _, zeros = text.partition("," if settings.decimal_comma else ".")
    number = whole if zeros and not zeros.strip("0") else text
    units = integer(number) if WHOLE.fullmatch(number) else None
    if units is None:
        raise ValueError("it must be a whole number of base units")
    if units == 0:
        raise ValueError("it must not be 0")
    if abs(units) > MAX_UNITS:
        raise ValueError(f"it must be at most {MAX_UNITS}")
    return units


def what_of(code: str, receipt: str, is_sold: bool, settings: Settings) -> What:
    """What a row says. Without a prefix of returns, what is negative came back; with one, only what stands on those
    receipts did."""
    prefix = settings.return_prefix
    on_return = prefix is not None and receipt.startswith(prefix)
    if code in settings.charges:
        if is_sold and not on_return:
            return What.CHARGED
        raise ValueError("it is a charge, and money alone cannot be taken back")
    if is_sold:
        if on_return:
            raise ValueError("it was sold, and its receipt takes goods back")
        return What.SOLD
    return What.TAKEN_BACK if on_return or prefix is None else What.WRITTEN_OFF


def unit_price_of(text: str, settings: Settings) -> UnitPrice:
    """A price, with the decimals that the text has."""
    if settings.decimal_comma and "." in text:
        raise ValueError("it must be a decimal such as 12,50, without points")
    parts = DECIMAL.fullmatch(text.replace(",", ".") if settings.decimal_comma else text)
    if not parts:
        raise ValueError("it must be a decimal such as 12.50")
    sign, whole, fraction = parts[1], parts[2], parts[3] or ""
    if len(fraction) > MAX_SCALE:
        raise ValueError(f"it has {len(fraction)} decimals, at most {MAX_SCALE} are allowed")
    amount = integer(whole + fraction)
    if amount is None:
        raise ValueError("it is too large")
    if sign and amount:
        raise ValueError("it must not be negative")
    if amount > MAX_AMOUNT:
        raise ValueError("it is too large")
    return UnitPrice(amount, len(fraction), settings.currency)


def integer(text: str) -> int | None:
    """A number of 64 bits, of a sign and digits. Python refuses to read thousands of them."""
    digits = text.lstrip("+-0") or "0"
    if len(digits) > len(str(MAX_INTEGER)):
        return None
    number = -int(digits) if text.startswith("-") else int(digits)
    return number if -MAX_INTEGER - 1 <= number <= MAX_INTEGER else None


def location_of(chars: str, settings: Settings) -> str | None:
    """A location of the file as one of the node's; the node's own where the file says none."""
    place = text_of(chars)
    if not place:
        return None
    name = settings.locations.get(place)
    if name is None:
        raise ValueError(f"the channel's settings have no location.{place}")
    if not name:
        raise ValueError(f"location.{place} names no location")
    return name
