"""The command line: thin commands that read, plan, deliver and render; no logic of their own.

main.py is the group, and turns an error into words and an exit status. resend.py and redirect.py hold the
help, options.py and values.py what they take, choices.py and way.py what follows from it; sending.py is what
both do. panels.py arranges a plan for eyes, words.py says it in plain lines, render.py shows it at a terminal
(the door to rich). show.py (with xray.py), demo.py (with the door to aiosmtpd) and completion.py stand alone.
"""
