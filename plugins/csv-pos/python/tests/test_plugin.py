"""A till's file, natively: `python3 -m unittest` in the plugin's folder, once it was built. The samples are written by
hand."""

import random
import sys
import unittest
from pathlib import Path
from unittest import mock

FOLDER = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(FOLDER), str(FOLDER / "bindings")]

from componentize_py_types import Err  # noqa: E402
from wit_world.exports.inbound import Command_AdjustStock, Command_RecordReturn, Command_RecordSale  # noqa: E402
from wit_world.imports.types import Context, LineContent_Charge, LineContent_Sku, Message, Piece  # noqa: E402

import plugin  # noqa: E402

SAMPLE = (FOLDER.parent / "fixtures" / "receipts.csv").read_bytes()
SETTINGS = {"currency": "EUR", "utc-offset": "+01:00", "charges": "DEPOSIT"}
HEAD = "receipt,sku,quantity,unit_price,sold_at\n"
TIME = "it must be a time such as 2026-11-28 17:05:00"
AT = "2026-11-27 15:30:02"


def call(body, last=True, offset=0, carry=b"", settings=SETTINGS):
    """A call, what it logged and what it counted."""
    message = Message("till-7", "2026-11-27", "receipts", "text/csv", 0, Piece(offset, last, body, carry))
    with mock.patch("plugin.log.write") as log, mock.patch("plugin.metrics.count") as count:
        translation = plugin.Inbound().translate(message, Context("store-1", list(settings.items())))
    return translation, [line.args[1] for line in log.call_args_list], count.call_args.args


def translate(body, **more):
    body = body if isinstance(body, bytes) else body.encode()
    return call(body, settings={**SETTINGS, **more})[0].commands


def in_pieces(body, length, settings=SETTINGS):
    commands, carry = [], b""
    for start in range(0, len(body), length):
        last = start + length >= len(body)
        translation, _, _ = call(body[start : start + length], last, start, carry, settings)
        commands += translation.commands
        carry = translation.carry
    return commands


def sales(commands):
    return [(command.value.reference, len(command.value.lines)) for command in commands]


class Translates(unittest.TestCase):
    def test_rows_of_one_receipt_are_one_sale(self):
        first, second, back = translate(SAMPLE)
        self.assertIsInstance(first, Command_RecordSale)
        self.assertEqual((first.value.reference, len(first.value.lines)), ("1001@20261127T143002Z", 3))
        self.assertEqual(first.value.sold_at, 1_795_789_802_000_000)
        self.assertEqual(first.value.lines[0].content, LineContent_Sku("APPLE, RED"))
        self.assertEqual(first.value.lines[2].content, LineContent_Charge("DEPOSIT"))
        self.assertEqual(second.value.lines[0].quantity, 2)
        self.assertIsInstance(back, Command_RecordReturn)
        self.assertIsNone(back.value.order)

    def test_pieces_of_any_length_come_to_what_the_whole_does(self):
        whole = translate(SAMPLE)
        for body in (SAMPLE, SAMPLE.replace(b"\n", b"\r\n")):
            for length in range(60, len(body) + 1):
                self.assertEqual(in_pieces(body, length), whole, f"in pieces of {length} bytes")

    def test_a_receipt_of_more_rows_than_a_command_takes_is_several_however_it_comes(self):
        body = (HEAD + "".join(f"9,SKU-{row},1,0.50,{AT}\n" for row in range(1_250))).encode()
        whole = translate(body)
        name = "9@20261127T143002Z"
        self.assertEqual(sales(whole), [(name, 500), (f"{name}#2", 500), (f"{name}#3", 250)])
        self.assertEqual(in_pieces(body, 7_919), whole)

    def test_a_receipt_that_comes_back_after_others_is_a_sale_of_its_own(self):
        rows = "".join(f"{row},1,1.00,{AT}\n" for row in ("1,TEA", "2,TEA", "1,POT", "1,CUP"))
        body = (HEAD + rows).encode()
        whole = translate(body)
        self.assertEqual([name[:1] + name[18:] for name, _ in sales(whole)], ["1", "2", "1#2"])
        for length in range(60, len(body) + 1):
            self.assertEqual(in_pieces(body, length), whole, f"in pieces of {length} bytes")

    def test_what_is_negative_on_no_return_is_written_off_where_returns_have_a_prefix(self):
        rows = f"C7,TEA,-2,1.00,{AT}\n8,TEA,-3,0,{AT}\n"
        back, off = translate(HEAD + rows, **{"return-prefix": "C"})
        self.assertEqual(back.value.lines[0].quantity, 2)
        self.assertIsInstance(off, Command_AdjustStock)
        self.assertEqual(off.value.change, -3)

    def test_rows_behind_one_with_a_broken_quote_are_read_where_it_is_passed_over(self):
        body = (FOLDER.parent / "fixtures" / "broken-quotes.csv").read_bytes()
        settings = {**SETTINGS, "bad-rows": "skip"}
        whole, log, counted = call(body, settings=settings)
        self.assertEqual([name[:1] for name, _ in sales(whole.commands)], ["1", "2", "3"])
        self.assertEqual((len(log), counted), (4, ("refused-rows", 4)))
        for length in range(60, len(body) + 1):
            self.assertEqual(in_pieces(body, length, settings), whole.commands, f"in pieces of {length} bytes")

    def test_amounts_are_kept_to_the_last_digit(self):
        price = translate(HEAD + f"1,TEA,1,999999.999999999,{AT}\n")[0].value.lines[0].unit_price
        self.assertEqual((price.amount, price.scale), (999_999_999_999_999, 9))


class Refuses(unittest.TestCase):
    def refused(self, body, **more):
        with self.assertRaises(Err) as raised:
            translate(body, **more)
        detail = raised.exception.value.value
        return detail.field, detail.value, detail.rule

    def test_a_row_that_cannot_be_read_names_its_field_value_and_rule(self):
        for row, field, value, rule in [
            (f"1,TEA,0,1.00,{AT}", "quantity", "0", "it must not be 0"),
            (f"1,TEA,1.5,1.00,{AT}", "quantity", "1.5", "it must be a whole number of base units"),
            (f"1,TEA,1,-1.00,{AT}", "unit_price", "-1.00", "it must not be negative"),
            (f"1,TEA,1,1000000000000000.1,{AT}", "unit_price", "1000000000000000.1", "it is too large"),
            ("1,TEA,1,1.00,1969-12-31 12:00", "sold_at", "1969-12-31 12:00", TIME),
            (f",TEA,1,1.00,{AT}", "receipt", "", "it must not be empty"),
            ("1,TEA,1,1.00", "fields", "", "it has 4 fields, the line of names has 5"),
            ("1,TEA,1,1.00,2026-02-29 01:02:03", "sold_at", "2026-02-29 01:02:03", TIME),
        ]:
            found = self.refused(HEAD + f"1,TEA,1,1.00,{AT}\n{row}\n")
            self.assertEqual(found, (f"row 2, {field}", value, rule), row)

    def test_settings_that_say_nothing_sensible_are_rejected_by_name(self):
        for key, value in [("delimiter", "||"), ("currency", "euro"), ("utc-offset", "+25:00"), ("bad-rows", "x")]:
            self.assertEqual(self.refused(SAMPLE, **{key: value})[:2], (key, value))

    def test_what_is_carried_over_by_somebody_else(self):
        for carry in [b"x", b"1 2", b"1 99 0 0\nab", b"-1 0 0 0\n", b"1 0 9 0\n", b"1 0 0 11\n12345678901"]:
            with self.assertRaises(Err) as raised:
                call(b"", True, 10, carry)
            self.assertEqual(raised.exception.value.value.field, "carry", carry)

    def test_a_row_without_end_before_it_fills_the_memory(self):
        with self.assertRaises(Err) as raised:
            call(HEAD.encode() + b'1,"' + b"x" * (200 * 1024), last=False)
        self.assertIn("is longer than", raised.exception.value.value.rule)


class PassesOver(unittest.TestCase):
    def test_rows_that_cannot_be_read_are_logged_and_counted(self):
        rows = f"1,TEA,1,1.00,{AT}\n1,T\u00e9\u200b\",0,1.00,{AT}\nx,y\n1,POT,1,9.00,{AT}\n"
        made, lines, counted = call((HEAD + rows).encode(), settings={**SETTINGS, "bad-rows": "skip"})
        self.assertEqual(sales(made.commands), [("1@20261127T143002Z", 2)])
        told = ['row 2, quantity "0": it must not be 0', 'row 3, fields "": it has 2 fields, the line of names has 5']
        self.assertEqual((lines, counted), (told, ("refused-rows", 2)))


class NeverBreaks(unittest.TestCase):
    def test_whatever_strangers_send(self):
        chance = random.Random(1)
        for _ in range(3_000):
            body = bytearray(SAMPLE)
            for _ in range(chance.randint(1, 8)):
                odd = [*b'",\r\n.-+0Z', 0xC3, 0xFF, 0, chance.randrange(256)]
                body[chance.randrange(len(body))] = chance.choice(odd)
            half = len(body) // 2
            try:
                first, _, _ = call(bytes(body[:half]), False)
                call(bytes(body[half:]), True, half, first.carry)
            except Err:
                # What it comes to is not the question.
                continue


if __name__ == "__main__":
    unittest.main()
