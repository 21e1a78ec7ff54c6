"""Text from outside, made harmless for eyes: the one door to screens and logs.

A Subject, an address or a server's reply may hold terminal escapes, line breaks that fake a log line and bidi
controls that turn a name round. rich lets them through, and interprets `[markup]` besides: hand it
`Text(visible(value))`, never a bare string.
"""

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (bidi, zero width, tags), surrogate, line ends


def visible(text: str, limit: int = 4096) -> str:
    r"""`text` on one line: `\x1b` for C0, DEL and C1, `\u{202e}` for what else acts without being seen.

    At most `limit` characters of it are shown, then how many more there are.
    """
    more = f"… {len(text) - limit} more" if len(text) > limit else ""
    shown = text[:limit]
    if shown.isprintable():
        return shown + more
    return "".join([_escape(char) if harmful(char) else char for char in shown]) + more


def visible_octets(octets: bytes, limit: int = 4096) -> str:
    r"""The same for octets: UTF-8 where they are UTF-8, `\xff` where they are not."""
    return visible(octets.decode("utf-8", "backslashreplace"), limit)


def harmful(char: str) -> bool:
    """Whether a terminal, a log or a reader would act on `char` instead of showing it."""
    if char.isprintable():
        return False
    from unicodedata import category

    return category(char) in _INVISIBLE


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0xA0 else f"\\u{{{code:x}}}"
