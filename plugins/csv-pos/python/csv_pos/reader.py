"""Records of CSV (RFC 4180) by Python's own reader, and where in the bytes each ends."""

import csv
import re
import sys
from itertools import accumulate

from csv_pos.text import chars_of

# What some programs write before a text in UTF-8.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# CR and LF each end a line; a line without anything is no record.
LINE = re.compile("[^\r\n]*[\r\n]|[^\r\n]+")

# What a row may be long is said where it would be carried over.
csv.field_size_limit(sys.maxsize)


class Reader:
    """Reads one record after the other."""

    def __init__(self, body: bytes, delimiter: str):
        begin = len(BYTE_ORDER_MARK) if body.startswith(BYTE_ORDER_MARK) else 0
        lines = LINE.findall(chars_of(body[begin:]))
        self._ends = list(accumulate(map(len, lines), initial=begin))
        self._records = csv.reader(lines, delimiter=delimiter)
        self.body = body
        # Where the record ends that was read last.
        self.position = 0

    def next(self) -> list[str] | None:
        """The fields of the next record, with one character for each byte."""
        for fields in self._records:
            self.position = self._ends[self._records.line_num]
            if fields:
                return fields
        self.position = len(self.body)
        return None
