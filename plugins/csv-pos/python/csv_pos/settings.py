"""How a till writes its file, as the channel's settings say."""

import re
from dataclasses import dataclass
from datetime import timedelta

from csv_pos.failure import rejected

# The largest offset that is in use anywhere, in whole hours: Kiribati's.
MAX_OFFSET_HOURS = 14
OFFSET = re.compile("([+-])([0-9]{2}):([0-5][0-9])")
CURRENCY = re.compile("[A-Z]{3}")
LOCATION = "location."


@dataclass(frozen=True, slots=True)
class Columns:
    """What the file's first line calls each column that is read."""

    receipt: str
    sku: str
    quantity: str
    unit_price: str
    time: str
    customer: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, read once a call."""

    delimiter: str
    columns: Columns
    currency: str
    # For times that say none.
    offset: timedelta | None
    decimal_comma: bool
    # Receipts that begin so take goods back.
    return_prefix: str | None
    # Codes that are money and no article, such as postage.
    charges: frozenset[str]
    skips_bad_rows: bool
    # Locations of the node by what the file calls them.
    locations: dict[str, str]

    @classmethod
    def of(cls, config: list[tuple[str, str]]) -> "Settings":
        """Reads the settings. Raises a failure that names the setting, its value and the rule."""
        given = dict(config)
        return cls(
            delimiter=delimiter(given.get("delimiter", ",")),
            columns=columns(given),
            currency=currency(given.get("currency", "")),
            offset=offset(given.get("utc-offset")),
            decimal_comma=flag(given, "decimal-comma", "no", "yes"),
            return_prefix=given.get("return-prefix") or None,
            charges=frozenset((given.get("charges") or "").split(" ")),
            skips_bad_rows=flag(given, "bad-rows", "refuse", "skip"),
            locations={key[len(LOCATION) :]: value for key, value in config if key.startswith(LOCATION)},
        )


def columns(given: dict[str, str]) -> Columns:
    def named(key: str, usual: str | None = None) -> str | None:
        return given.get(f"column.{key}") or usual

    return Columns(
        receipt=named("receipt", "receipt"),
        sku=named("sku", "sku"),
        quantity=named("quantity", "quantity"),
        unit_price=named("unit-price", "unit_price"),
        time=named("time", "sold_at"),
        customer=named("customer"),
        location=named("location"),
    )


def delimiter(text: str) -> str:
    if text == "tab":
        return "\t"
    if len(text) == 1 and text.isascii() and text not in '"\r\n':
        return text
    raise rejected("delimiter", text, "it must be one ASCII character, or the word tab")


def currency(code: str) -> str:
    if CURRENCY.fullmatch(code):
        return code
    raise rejected("currency", code, "the channel's settings must name the currency of the file, such as EUR")


def offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    parts = OFFSET.fullmatch(text)
    if not parts or int(parts[2]) > MAX_OFFSET_HOURS:
        raise rejected("utc-offset", text, "it must be an offset such as +01:00")
    east = timedelta(hours=int(parts[2]), minutes=int(parts[3]))
    return -east if parts[1] == "-" else east


def flag(given: dict[str, str], key: str, usual: str, other: str) -> bool:
    """A setting with two words."""
    word = given.get(key, usual)
    if word not in (usual, other):
        raise rejected(key, word, f"it must be {usual} or {other}")
    return word == other
