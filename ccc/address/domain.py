"""The domain of a mailbox: a host name in A-labels (RFC 5890) or an address literal.

IDNA 2008 by the `idna` package, and no mapping but lower case and NFC: straße.de is xn--strae-oqa.de, another
domain than strasse.de. Whoever types something else gets a reason, not a guess.
"""

LDH = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")  # RFC 5890, 2.3.1: letters, digits, hyphen
_LONGEST = 255  # RFC 5321, 4.5.3.1.2
_LONGEST_LABEL = 63  # RFC 1035, 2.3.4


def a_labels(text: str) -> str:
    """The domain `text` in lower-case A-labels; ValueError says why it is none."""
    if text.startswith("["):
        return _literal(text[1:-1])
    if len(text) > _LONGEST:
        raise ValueError(f"the domain is over {_LONGEST} octets")
    labels = [_a_label(label) for label in _lower(text).split(".")]
    if labels[-1].isdigit():  # RFC 3696, 2
        raise ValueError("the domain ends in a number; an IP address is written [192.0.2.1]")
    return ".".join(labels)


def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    from unicodedata import normalize

    return normalize("NFC", text.lower())  # RFC 5895, 2: the two of its mappings that surprise nobody


def _a_label(label: str) -> str:
    if label.startswith("xn--") or not label.isascii():
        return _idna(label)
    if not label:
        raise ValueError("a label of the domain is empty")
    if not LDH.issuperset(label):
        raise ValueError(f"the domain label {label} holds more than letters, digits and hyphens")
    if label[0] == "-" or label[-1] == "-":  # RFC 5321, 4.1.2: Let-dig
        raise ValueError(f"the domain label {label} begins or ends with a hyphen")
    if len(label) > _LONGEST_LABEL:
        raise ValueError(f"a label of the domain is over {_LONGEST_LABEL} octets")
    return label


def _idna(label: str) -> str:
    """The A-label of a U-label, or of an A-label that stands for a valid U-label (RFC 5891, 5.4)."""
    from idna import alabel, ulabel

    try:
        return alabel(ulabel(label)).decode()
    except ValueError as error:  # IDNAError is one
        raise ValueError(f"the domain label {label} is not valid ({error})") from None


def _literal(text: str) -> str:
    from ipaddress import IPv4Address, IPv6Address

    tag, colon, address = text.partition(":")
    try:
        if not colon:
            return f"[{IPv4Address(text)}]"
        if tag.lower() == "ipv6" and "%" not in address:  # RFC 5321, 4.1.3: no zone
            return f"[IPv6:{IPv6Address(address)}]"
    except ValueError:
        pass
    raise ValueError(f"{text} is not an IP address, such as [192.0.2.1] or [IPv6:2001:db8::1]")


def u_labels(domain: str) -> str:
    """The domain in U-labels, for eyes; a label that is no A-label stays as it is."""
    if "xn--" not in domain:
        return domain
    return ".".join(map(_u_label, domain.split(".")))


def _u_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    from idna import ulabel

    try:
        return ulabel(label)
    except ValueError:  # IDNAError is one
        return label
