"""Says why nothing is made of a message: which field, which value, which rule."""

from componentize_py_types import Err
from wit_world.imports.types import Detail, Failure_Malformed, Failure_Rejected

# Values are shown to find the place, not to keep the message: the message itself is kept beside the failure.
MAX_VALUE = 80


def malformed(field: str, value: str, rule: str) -> Err:
    """The message breaks its own format. To be raised."""
    return Err(Failure_Malformed(Detail(field, value[:MAX_VALUE], rule)))


def rejected(field: str, value: str, rule: str) -> Err:
    """The message breaks a rule of the trade. To be raised."""
    return Err(Failure_Rejected(Detail(field, value[:MAX_VALUE], rule)))
