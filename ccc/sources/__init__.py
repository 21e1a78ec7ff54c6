"""Where messages come from: files and standard input now; mailboxes and IMAP have their place here."""

from ccc.message.message import Message, read
from ccc.sources.files import FileOctets, is_stream, open_source

__all__ = ["is_stream", "open_source", "read_source"]


def read_source(name: str, stdin: int = 0) -> Message:
    """The message named `name`, read once from end to end; no descriptor stays open.

    Raises SourceError if there is none, MessageError if it is none.
    """
    octets = open_source(name, stdin)
    try:
        return read(octets, name)
    finally:
        if isinstance(octets, FileOctets):
            octets.close()
