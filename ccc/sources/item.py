"""One message of a source: known by its name, and read when its turn has come."""

from collections.abc import Callable
from typing import NamedTuple

from ccc.message.message import Message


class Item(NamedTuple):
    """A message that can be read: `read` raises CccError; a `stream` comes as it comes, and only once."""

    name: str  # for people, and usable as SOURCE again where it is no stream
    read: Callable[[], Message]
    stream: bool = False
