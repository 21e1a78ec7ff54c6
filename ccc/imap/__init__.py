"""IMAP (RFC 3501): messages in and out of a mail store, by imapclient and the standard library's imaplib.

session.py is what others use; opening.py makes a connection; wire.py keeps what a server says within bounds;
client.py speaks, in the words of words.py; login.py, names.py, search.py, uids.py, fetch.py, append.py and
refusals.py know one part of the protocol each. Nothing here marks a message as read.
"""

from ccc.imap.append import Appended
from ccc.imap.fetch import Brief, Summary
from ccc.imap.names import Folder
from ccc.imap.opening import Manner
from ccc.imap.session import Selected, Session, connect

__all__ = ["Appended", "Brief", "Folder", "Manner", "Selected", "Session", "Summary", "connect"]
