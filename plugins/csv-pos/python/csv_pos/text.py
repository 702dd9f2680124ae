"""Bytes as text. The reader of CSV wants text and the file may hold any bytes, so a field has one character for each
byte until somebody asks for its text."""

import re
import unicodedata

# What Unicode calls white space. What Python calls so is not quite the same.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
NAMED_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def chars_of(body: bytes) -> str:
    """A text with one character for each byte."""
    return body.decode("latin-1")


def decoded(chars: str) -> str:
    """The text of bytes in UTF-8, without white space around it.

    Raises `UnicodeDecodeError` where they are none.
    """
    text = chars if chars.isascii() else chars.encode("latin-1").decode()
    return text.strip(WHITE_SPACE)


def is_short(text: str, most: int) -> bool:
    """Whether it has at most so many bytes, and none that a terminal would obey."""
    return len(text.encode()) <= most and not CONTROL.search(text)


def quoted(text: str) -> str:
    """A text between quotation marks, and visible: for a line of the log."""
    return '"' + "".join(map(visible, text)) + '"'


def visible(char: str) -> str:
    """A character, or what stands for it where one would not see it, or see it with its neighbour."""
    if char in NAMED_ESCAPES:
        return NAMED_ESCAPES[char]
    is_seen = char.isprintable() and unicodedata.category(char) not in ("Mn", "Me")
    return char if is_seen else f"\\u{{{ord(char):x}}}"
