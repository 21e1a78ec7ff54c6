"""The journal, which lets a cron job repeat itself safely: a database, and a spool of octets.

opening.py   where it is, and what runs that died have left in it
folder.py    the state folder, and whether it can be trusted
store.py     the database: SQLite, its schema, its errors as sentences
claims.py    which ccc is running: a lock that dies with its process
spool.py     large contents in files; stored.py: how they are read again
contents.py  the exact octets of what is entered, wherever they are kept
verdict.py   what an earlier run did about a recipient, and so what this one has to do
journal.py   entering, noting, settling: the state machine
origins.py   which UIDs of a mail store are settled
reserve.py   room for the outcomes on a disk that fills up
schedule.py  when to try again
retry.py     what is left to do
log.py       what was done
bounce.py    reports of failed deliveries (RFC 3464)
"""
