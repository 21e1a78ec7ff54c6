"""Accounts: which one a run is for, what its provider lets it do, and the secrets that it logs in with.

choose.py decides on the account; the file that names them is read by ccc.config. wallet.py tries the places
of a password in their order: secrets.py has each, keyring.py the desktop's; child.py runs what is asked.
policy.py says what a server makes of a foreign From.
"""
