"""Routes: the ways by which deliveries leave, each one door on one kind of receiver.

submission.py speaks the protocol of smtp/ to a submission or LMTP server; sendmail.py runs the host's program
of that name, maildir.py writes Maildirs; named.py makes a route of what `--via` says. closed.py is the way that
is not open.
"""
