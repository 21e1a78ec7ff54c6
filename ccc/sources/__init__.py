"""Where messages come from: files and standard input, Maildirs, mbox files, and IMAP servers.

Reading order: names (what a SOURCE means), item, files, maildir, mbox (what an mbox holds), unquoting
(what an mbox did to it), imap.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from ccc.errors import SourceError, UsageError
from ccc.message.message import Message, read
from ccc.sources.files import FileOctets, is_stream, open_source
from ccc.sources.item import Item

__all__ = ["Item", "is_stream", "items", "open_source", "read_source"]


def items(name: str, stdin: int = 0) -> Iterator[Item]:
    """The messages that `name` holds, each to be read when its turn has come; none is held.

    `stdin` is the descriptor that `-` stands for. Raises SourceError, MessageError and UsageError, also
    while it is gone through; what is on an IMAP server is none of its business.
    """
    if ":" not in name.partition("/")[0]:
        return _in_files(name, stdin)
    from ccc.sources.names import mbox_from, scheme_of

    match scheme_of(name):
        case "mbox":
            from ccc.sources.mbox import mbox_items

            return mbox_items(mbox_from(name))
        case "":
            return _in_files(name, stdin)
        case _:
            raise UsageError(
                f"{name!r} is on a mail server, and only files are read here",
                "save the mail as a file first",
            )


def read_source(name: str, stdin: int = 0) -> Message:
    """The message named `name`, read once from end to end; no descriptor stays open.

    Raises SourceError if there is none, MessageError if it is none, UsageError if there are several.
    """
    found = tuple(islice(items(name, stdin), 2))
    if len(found) > 1:
        raise UsageError(f"{name!r} holds several messages", f"name one of them, such as {found[0].name}")
    if not found:
        raise SourceError(f"there is no message in {name!r}", "check its name")
    return found[0].read()


def _in_files(name: str, stdin: int) -> Iterator[Item]:
    """The message of a file or a stream, or those of a Maildir."""
    from os.path import isdir

    if isdir(name):
        from ccc.sources.maildir import folder_items

        return folder_items(name)
    return iter((Item(name, partial(_read, name, stdin), is_stream(name)),))


def _read(name: str, stdin: int) -> Message:
    octets = open_source(name, stdin)
    try:
        message = read(octets, name)
    finally:
        if isinstance(octets, FileOctets):
            octets.close()
    return message._replace(filed=octets.filed) if isinstance(octets, FileOctets) else message
