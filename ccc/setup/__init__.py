"""Setting an account up and looking after it.

discovery.py finds a provider's servers (autoconfig.py reads its XML, https.py fetches that), draft.py is the
account as it will stand in the file, adding.py puts it there. probe.py asks a server and sends nothing,
doctor.py makes checks of that; canary.py finds out whether a server heeds the envelope;
survey.py looks where mail would go without a provider.
"""
