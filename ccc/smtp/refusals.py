"""Refusals that are known by their words: what such a reply most likely means, and the way on.

The standards have no code for "this From is not yours", so providers say it in words of their own; and one
code means different things at different servers. So words count first, and nothing here is more than likely:
a server may say anything. Found by looking for fixed words, in time that grows with the reply alone.
"""

import re
from typing import NamedTuple

from ccc.smtp.replies import Reply

_LONGEST = 8192  # octets of a reply that are looked at: what it is about stands in front
_CODE = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?: |$)")  # RFC 2034, 4: on each line of a reply


class Known(NamedTuple):
    """A kind of refusal: what it looks like, the way on, and the words or codes that tell it."""

    sentence: str
    cure: str
    words: tuple[bytes, ...]  # in lower case; any of them will do
    enhanced: tuple[str, ...] = ()  # codes that mean nothing else
    code: int = 0


_WAYS = (
    "log in as the one in From, or for somebody else's mail use --via append:ACCOUNT (a mailbox of "
    "yours), another account with -a, or --via sendmail"
)
_APP_PASSWORD = "make an app password for ccc; `ccc providers` names the page where"  # noqa: S105

_PASSWORDS = (  # what is said about a password, and never rightly about a token
    Known(
        "this looks like a provider that wants a password made for one program",
        _APP_PASSWORD,
        (
            b"application-specific password",  # Gmail, 534 5.7.9
            b"app-specific password",  # iCloud
            b"app password",
            b"application password",
            b"authorization code",  # QQ, 163
            b"log in via your web browser",  # Gmail, 534 5.7.14
        ),
    ),
    Known(
        "this looks like a wrong password, or one that is not for programs",
        f"check it, or {_APP_PASSWORD}",
        (b"username and password not accepted", b"badcredentials"),  # Gmail, 535 5.7.8
    ),
    Known(
        "this looks like a provider that takes no passwords any more",
        'set auth = "oauth" in the account, then `ccc account login`',
        (  # REQUIRETLS has 5.7.30 for something else, so only the words tell
            b"basic authentication is not supported",  # Microsoft 365, 550 5.7.30
            b"basic authentication is disabled",  # Microsoft, 535 5.7.139
        ),
    ),
)

_LOGINS = (  # what is said to a login, whatever it was tried with
    Known(
        "this looks like too many logins or tries in a short time",
        "wait a quarter of an hour",
        (b"too many login", b"too many bad auth", b"too many authentication", b"too many failed"),
    ),
)

_KNOWN = (
    Known(
        "this looks like a mailbox or an organization for which login over SMTP is switched off",
        "its administrator can switch SMTP AUTH on; or use another account with -a",
        (b"smtpclientauthentication is disabled",),  # Microsoft 365, 535 5.7.139
    ),
    *_LOGINS,
    Known(
        "this looks like DMARC: the domain in From asks servers to refuse what neither an unbroken signature "
        "nor a server of its own vouches for",
        "send mail of your own through its domain's server; pass on somebody else's with --resent auto, or "
        "use --via append:ACCOUNT if the mailbox is yours",
        (b"dmarc",),  # Gmail, 550 5.7.26; iCloud, 554 5.7.1; Microsoft, 550 5.7.509
    ),
    Known(
        "this looks like a mail that nothing proves to be its sender's (SPF and DKIM)",
        "send it through the provider of the address in From",
        (b"sender is unauthenticated", b"required authentication level"),
        ("5.7.26",),  # Gmail and others: more than one check failed
    ),
    Known(
        "this looks like Amazon SES, and an address or domain in the mail that is not verified there",
        f"verify it in the console of this region; or {_WAYS}",
        (b"email address is not verified",),
    ),
    Known(
        "this looks like a server that counts header fields, and this one stands there twice",
        "leave it out with --strip NAME",
        (b"duplicate header",),  # Amazon SES
    ),
    Known(
        "this looks like a server that takes no From but those of the login",
        _WAYS,
        (
            b"send as this sender",  # Microsoft 365, 550 5.7.60
            b"sendasdenied",  # Microsoft 365, 554 5.2.0 and 5.2.252
            b"not one of your addresses",  # iCloud
            b"to send from this header address",  # Fastmail, 551 5.7.1
            b"from: address not verified",  # Yahoo
            b"request failed; mailbox unavailable",  # Yahoo
            b"does not match a verified sender identity",  # SendGrid
            b"sender address rejected: not owned by",  # Yandex, Postfix
            b"must match your authenticated",  # cPanel
            b"spoofing not allowed",  # cPanel
            b"sender is not allowed to send from",
            b"must be same as authorization user",  # QQ, 501
            b"must be the same as authorization user",
            b"relaying disallowed",  # Zoho, 553
        ),
        ("5.7.60", "5.2.252"),
    ),
    Known(
        "this looks like a line end that is not CRLF, and ccc sends none: something on the way alters mail",
        "look for a virus scanner or a proxy, or use another network",
        (b"bare <lf>", b"bare lf", b"bare <cr>", b"bare cr", b"bare linefeed", b"bare line feed", b"smtplf"),
        ("5.6.11",),
    ),
    Known(
        "this looks like the provider's limit for mail in a day or an hour",
        "wait until it lets more through",
        (
            b"sending limit",  # Gmail, 550 5.4.5
            b"sending quota",
            b"message quota",  # Amazon SES
            b"sending rate exceeded",  # Amazon SES
            b"submissionquota",  # Microsoft 365
            b"recipients per day",
            b"hourly limit",
            b"daily limit",
        ),
    ),
    Known(
        "this looks like too many recipients in one mail for this server",
        "name fewer of them at a time",
        (b"too many recipients", b"recipient limit"),
        ("5.5.3",),  # RFC 3463, 3.6
    ),
    Known(
        "this looks like a server that wants STARTTLS first",
        "add --tls required, or use smtps://",
        (b"starttls",),
    ),
    Known(
        "this looks like a server that wants a login first",
        "give a user name: smtps://USER@HOST, or an account with -a",
        (
            b"authentication required",
            b"authentication is required",
            b"not authenticated",
            b"not logged in",
            b"must authenticate",
            b"relay access denied",  # Postfix
            b"client host rejected: access denied",  # Postfix, 554 5.7.1
            b"relay not permitted",  # Exim
            b"relaying denied",  # Sendmail
            b"unable to relay",  # Exchange
        ),
        code=530,  # RFC 4954, 6
    ),
)


def explain(reply: Reply, *, token: bool = False) -> tuple[str, str] | None:
    """What a refusal looks like, in one sentence, and the way on; None for one that is not known.

    `token` says that the login was tried with a token, so that nothing is said of passwords.
    """
    words = _words(b"\n".join(reply.lines))
    for known in _KNOWN if token else _PASSWORDS + _KNOWN:
        if _fits(known, reply, words):
            return known.sentence, known.cure
    return None


def cure(reply: Reply, otherwise: str = "", *, token: bool = False) -> str:
    """The same as the cure of an error; `otherwise` for a refusal that is not known."""
    explained = explain(reply, token=token)
    return "; ".join(explained) if explained else otherwise


def cure_of_login(said: str, otherwise: str, *, token: bool = False) -> str:
    """The same for a login that was refused in words alone, as IMAP does it."""
    words = _words(said.encode())
    for known in _LOGINS if token else _PASSWORDS + _LOGINS:
        if _says(known, words):
            return f"{known.sentence}; {known.cure}"
    return otherwise


def _fits(known: Known, reply: Reply, words: bytes) -> bool:
    by_code = reply.code == known.code or (reply.enhanced and reply.enhanced in known.enhanced)
    return bool(by_code) or _says(known, words)


def _says(known: Known, words: bytes) -> bool:
    return any(each in words for each in known.words)


def _words(said: bytes) -> bytes:
    """The beginning of a reply as one line in lower case, without the code that each line repeats."""
    begun = said[:_LONGEST].split(b"\n")
    return b" ".join(b" ".join(_CODE.sub(b"", line, 1).split()) for line in begun).lower()
