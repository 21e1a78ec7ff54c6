"""The cache of MTA-STS policies: what a domain once promised holds as long as it said (RFC 8461, 3.3).

A file for each domain, written beside and put in its place whole. One that is damaged counts for nothing; one
that cannot be written costs the next run a fetch, and no mail waits for that.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from ccc.config.file import home
from ccc.config.state import make_folder
from ccc.routes.mx.sts import NotAPolicy, Policy, read_policy

SCHEMA: Final = 1
MOST: Final = 1 << 19  # octets of a file
LONGEST_NAME: Final = 240  # characters of the name of a file, without its ending


class Kept(NamedTuple):
    """What is known of a domain: the policy and the octets it was read from, none if there never was one.

    `version` is the id in the DNS when it was fetched. `failed` is when a fetch last failed, for the id
    `failed_version`; times are Unix times.
    """

    policy: Policy | None = None
    octets: bytes = b""
    version: str = ""
    fetched: float = 0.0
    failed: float = 0.0
    failed_version: str = ""

    @property
    def ends(self) -> float:
        """Until when the policy holds."""
        return self.fetched + self.policy.max_age if self.policy else 0.0


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Where the cache is, which need not be there yet; None for a user without a home."""
    place = environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(place):  # XDG Base Directory Specification 0.8, 2: a relative path is ignored
        at_home = home(environ)
        if not at_home:
            return None
        place = os.path.join(at_home, ".cache")
    return Path(place, "ccc", "mta-sts")


class Cache:
    """Policies in a folder; without one, nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, domain: str) -> Kept:
        """What is known of this domain."""
        import json

        if self._folder is None:
            return Kept()
        try:
            with open(self._place(self._folder, domain), "rb") as file:
                return _read(json.loads(file.read(MOST)), domain)
        except (OSError, ValueError, RecursionError):  # JSON and UTF-8 that are none are ValueErrors
            return Kept()

    def write(self, domain: str, kept: Kept) -> None:
        """Keep this, as far as it is possible."""
        import json
        import tempfile

        if self._folder is None:
            return
        text = json.dumps(_written(domain, kept), ensure_ascii=False)
        with suppress(OSError):
            make_folder(self._folder)
            place = self._place(self._folder, domain)
            descriptor, beside = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # 0600
            try:
                with open(descriptor, "wb") as file:
                    file.write(text.encode())
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, place)
            except BaseException:
                os.unlink(beside)
                raise

    @staticmethod
    def _place(folder: Path, domain: str) -> Path:
        """The file of a domain, whatever characters that has."""
        from urllib.parse import quote

        name = quote(domain, safe="")
        if len(name) > LONGEST_NAME:  # a file's name is shorter than a domain's may be
            from hashlib import sha256

            name = sha256(domain.encode()).hexdigest()
        return folder / f"{name}.json"


def _written(domain: str, kept: Kept) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "domain": domain,
        "id": kept.version,
        "fetched": kept.fetched,
        "max_age": kept.policy.max_age if kept.policy else 0,
        "policy": kept.octets.decode("utf-8"),
        "failed": kept.failed,
        "failed_id": kept.failed_version,
    }


def _read(value: object, domain: str) -> Kept:
    """What a file says; nothing if it is not one of ours, or of another domain."""
    members: dict[object, object] = value if isinstance(value, dict) else {}
    if members.get("schema") != SCHEMA or members.get("domain") != domain:
        return Kept()
    octets = _text(members, "policy").encode()
    try:
        policy = read_policy(octets) if octets else None
    except NotAPolicy:
        return Kept()
    return Kept(
        policy,
        octets,
        _text(members, "id"),
        _time(members, "fetched"),
        _time(members, "failed"),
        _text(members, "failed_id"),
    )


def _text(members: Mapping[object, object], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _time(members: Mapping[object, object], name: str) -> float:
    value = members.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e11 else 0.0
