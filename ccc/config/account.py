"""An account: who the user is there, how mail goes out and where it lies, and how to log in.

What a provider's preset says is in it already, so that nobody has to ask twice.
"""

from enum import Enum
from typing import NamedTuple

from ccc.address import Mailbox


class FromPolicy(Enum):
    """What a submission server does with a From that is not the user's."""

    OWN = "own"  # it refuses the mail
    REWRITE = "rewrite"  # it puts the user's address there instead, and so breaks the signature
    DOMAIN = "domain"  # it takes every address of the domains that it has verified
    FREE = "free"  # it takes the mail as it is
    UNKNOWN = "unknown"


class Auth(Enum):
    """How a login is proved."""

    PASSWORD = "password"  # noqa: S105  # a word of the file
    OAUTH = "oauth"  # an access token (RFC 6749, RFC 7628)
    NONE = "none"


class Floor(Enum):
    """How sure the TLS to the recipients' own mail hosts must be at least, if mail goes straight to them."""

    DANE = "dane"
    MTA_STS = "mta-sts"
    VERIFY = "verify"
    OPPORTUNISTIC = "opportunistic"


class OAuth(NamedTuple):
    """Where tokens come from; the URLs are the provider's, the client is the user's own registration."""

    client_id: str = ""
    client_secret: str = ""  # of an installed program, which keeps none (RFC 8252, 8.5)
    authorize_url: str = ""
    token_url: str = ""
    device_url: str = ""  # RFC 8628; empty where a provider has no device flow for mail
    scopes: str = ""  # separated by spaces (RFC 6749, 3.3)
    token_command: tuple[str, ...] = ()  # prints an access token; nothing else is needed then

    def __repr__(self) -> str:
        shown = self._replace(client_secret="***" if self.client_secret else "")
        return f"OAuth({', '.join(f'{name}={value!r}' for name, value in shown._asdict().items())})"


class Account(NamedTuple):
    """One [account.NAME] of the configuration file, with what its provider's preset adds."""

    name: str
    address: Mailbox | None = None
    identities: tuple[Mailbox, ...] = ()  # further addresses that are the user's
    provider: str = ""
    smtp: str = ""  # URL with its user, for from_url()
    imap: str = ""  # URL with its user, for imap_from_url()
    via: str = ""  # another way out, as --via takes it
    helo: str = ""
    tls: Floor = Floor.OPPORTUNISTIC
    allow_private_mx: bool = False
    tls_ca_file: str = ""
    auth: Auth = Auth.PASSWORD
    password_command: tuple[str, ...] = ()
    password_file: str = ""
    allow_plaintext_keyring: bool = False
    oauth: OAuth = OAuth()
    redirect_to: tuple[Mailbox, ...] = ()
    fcc: str = "auto"  # auto, no, or the folder for copies of what is sent
    from_policy: FromPolicy = FromPolicy.UNKNOWN
    stores_sent: bool = False  # the submission server keeps the copy itself
    strip: tuple[str, ...] = ()  # fields that the submission server refuses
    refused_fields: tuple[str, ...] = ()  # fields by which it would mail others: such a message is refused
    honours_envelope: bool = True  # False: it mails the people in the header

    @property
    def own(self) -> tuple[Mailbox, ...]:
        """Every address that is the user's."""
        return (*((self.address,) if self.address else ()), *self.identities)
