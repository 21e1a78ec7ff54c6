"""Addresses: what people type, what headers show, what is written into envelopes and headers.

One tokenizer (tokens.py) serves two readers. `parse_recipients` is strict: a recipient is never guessed.
`read_list` is lenient: a bad item in a header hides none of the others. Both make a `Mailbox`, which has one
rendering for each use. Reading order: mailbox, tokens, recipients, read, domain, words, fold.
"""

from ccc.address.fold import extension, fold_list
from ccc.address.mailbox import Mailbox
from ccc.address.read import read_list
from ccc.address.recipients import parse_mailbox, parse_recipients, undeliverable
from ccc.address.words import decode_words

__all__ = [
    "Mailbox",
    "decode_words",
    "extension",
    "fold_list",
    "parse_mailbox",
    "parse_recipients",
    "read_list",
    "undeliverable",
]
