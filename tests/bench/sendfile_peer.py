"""What the system can do at best: a dialogue of constants and socket.sendfile. PORT FROM TO FILE"""

import os
import socket
import sys

port, sender, recipient, name = sys.argv[1:]
with socket.create_connection(("127.0.0.1", int(port))) as sock, open(name, "rb") as file:
    replies = sock.makefile("rb")
    replies.readline()
    sock.sendall(b"EHLO bench.test\r\n")
    while replies.readline()[3:4] == b"-":
        pass
    size = os.fstat(file.fileno()).st_size
    sock.sendall(
        b"MAIL FROM:<%b>\r\nRCPT TO:<%b>\r\nBDAT %d LAST\r\n" % (sender.encode(), recipient.encode(), size)
    )
    sock.sendfile(file)
    last = [replies.readline() for _ in range(3)][-1]
    sys.exit(last[:1] != b"2")
