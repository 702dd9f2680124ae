"""Records of CSV (RFC 4180) by Python's own reader, and where in the bytes each ends."""

import csv
import re
import sys
from bisect import bisect_right
from itertools import accumulate, islice

from csv_pos.text import chars_of

# What some programs write before a text in UTF-8.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# CR and LF each end a line; a line without anything is no record.
LINE = re.compile("[^\r\n]*[\r\n]|[^\r\n]+")

OPEN = "a quote is opened and not closed"
BEHIND = "there is text behind a closing quote"

# What a row may be long is said where it would be carried over.
csv.field_size_limit(sys.maxsize)


class Reader:
    """Reads one record after the other."""

    def __init__(self, body: bytes, delimiter: str):
        begin = len(BYTE_ORDER_MARK) if body.startswith(BYTE_ORDER_MARK) else 0
        self._lines = LINE.findall(chars_of(body[begin:]))
        self._ends = list(accumulate(map(len, self._lines), initial=begin))
        self._delimiter = delimiter
        self._begin(0)
        self.body = body
        # Where the record ends that was read last.
        self.position = begin
        # The rule that its quotes break.
        self.broken: str | None = None

    def next(self) -> list[str] | None:
        """The fields of the next record, with one character for each byte."""
        self.broken = None
        try:
            for fields in self._records:
                self.position = self._ends[self._first + self._records.line_num]
                if fields:
                    return fields
        except csv.Error as error:
            return self._end_with_line(error)
        self.position = len(self.body)
        return None

    def _begin(self, first: int) -> None:
        """Reads from a line on."""
        self._first = first
        self._records = csv.reader(islice(self._lines, first, None), delimiter=self._delimiter, strict=True)

    def _end_with_line(self, error: csv.Error) -> list[str]:
        """Ends a record with its first line: where its quotes are broken, what they kept together are other records."""
        self.broken = OPEN if "end of data" in str(error) else BEHIND
        self._begin(bisect_right(self._ends, self.position))
        self.position = self._ends[self._first]
        return []
