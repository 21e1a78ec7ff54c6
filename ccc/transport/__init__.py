"""Sockets and TLS: drives the dialogues of smtp/ over a connection and keeps the transcript.

server.py says what a URL names, dial.py opens a connection, link.py moves octets and replies over it within
deadlines, tls.py makes it private, transcript.py writes down what was said.
"""
