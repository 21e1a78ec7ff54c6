"""Routes: the ways by which deliveries leave, each one door on one kind of receiver.

submission.py speaks the protocol of smtp/ to a submission or LMTP server; sendmail.py runs the host's program
of that name, maildir.py writes Maildirs; append.py puts messages into the user's own mailbox by IMAP, and
copies.py what was sent and the marks of what was passed on, both through box.py. mx/ goes straight to the
recipients' mail hosts; what it shares with submission.py is in session.py. named.py makes a route of what
`--via` says. closed.py is the way that is not open.
"""
