"""The order of the benchmark, as plugins/shopify reads it where it is well formed."""

import json
from datetime import datetime

from wit_world import exports
from wit_world.exports.inbound import Command_PlaceOrder, PlaceOrder, Translation
from wit_world.imports.types import Context, Line, LineContent_Sku, Message, Money, StatedTotals, UnitPrice


class Inbound(exports.Inbound):
    """The plugin."""

    def translate(self, message: Message, context: Context) -> Translation:
        order = json.loads(message.piece.bytes)
        currency = order["currency"]

        def money(text: str) -> Money:
            return Money(cents(text), currency)

        def line(item: dict) -> Line:
            price = cents(item["price"])
            return Line(
                content=LineContent_Sku(item["sku"]),
                quantity=item["quantity"],
                unit_price=UnitPrice(price, 2, currency),
                amount=Money(price * item["quantity"], currency),
            )

        placed = PlaceOrder(
            reference=str(order["id"]),
            lines=[line(item) for item in order["line_items"]],
            customer_ref=str(order["customer"]["id"]) if order["customer"] else None,
            currency=currency,
            stated=StatedTotals(
                subtotal=money(order["subtotal_price"]),
                discount=money(order["total_discounts"]),
                tax=money(order["total_tax"]),
                tax_included=order["taxes_included"],
                shipping=money(order["shipping_lines"][0]["price"]),
                total=money(order["total_price"]),
            ),
            placed_at=round(datetime.fromisoformat(order["created_at"]).timestamp() * 1_000_000),
            location=None,
        )
        return Translation([Command_PlaceOrder(placed)], b"")


def cents(text: str) -> int:
    whole, part = text.split(".")
    return int(whole) * 100 + int(part)
