"""What a channel has of its articles, one `SKU=COUNT` a line."""

import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.inbound import Command, Command_SetAvailable, SetAvailable, Translation
from wit_world.imports import log
from wit_world.imports.types import Context, Detail, Failure_Malformed, Message

# Fifteen digits at most, as many as every language reads exactly.
COUNT = re.compile(r"-?[0-9]{1,15}")


class Inbound(exports.Inbound):
    def translate(self, message: Message, context: Context) -> Translation:
        lines = [line for line in text_of(message.piece.bytes).split("\n") if line]
        commands = [command(line, message.received_at) for line in lines]
        log.write(log.Level.INFO, f"{len(commands)} articles")
        return Translation(commands, carry=b"")


def text_of(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise malformed("", "", "it must be UTF-8") from None


def command(line: str, as_of: int) -> Command:
    sku, _, count = line.partition("=")
    if not COUNT.fullmatch(count):
        raise malformed(sku, count, "it must be a whole number, as in SKU=12")
    return Command_SetAvailable(SetAvailable(sku, int(count), as_of, location=None))


def malformed(field: str, value: str, rule: str) -> Err:
    """What is raised so becomes the failure that the node keeps with the message."""
    return Err(Failure_Malformed(Detail(field, value, rule)))
