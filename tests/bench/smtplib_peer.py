"""smtplib over one connection: PORT FROM TO FILE…"""

import smtplib
import sys
from pathlib import Path

port, sender, recipient, *files = sys.argv[1:]
with smtplib.SMTP("127.0.0.1", int(port)) as client:
    for file in files:
        client.sendmail(sender, [recipient], Path(file).read_bytes())
