"""The configuration file: the one door to it, and the one place that knows its keys.

config.py reads the file and knows the keys of every run, account.py those of an account.
"""

from ccc.config.config import MOST, Config, InDoubt, home, read_config

__all__ = ["MOST", "Config", "InDoubt", "home", "read_config"]
