"""The configuration file: the one door to it, and the one place that knows its keys.

config.py is what it says, account.py an account of it. file.py finds and checks the file, schema.py knows its
keys, values.py how a value is read, and reading.py makes the one of the other. provider.py has what is known
of mail providers (providers.toml), preset.py adds that to an account.
"""

from ccc.config.config import Config, InDoubt, read_config
from ccc.config.file import MOST, home

__all__ = ["MOST", "Config", "InDoubt", "home", "read_config"]
