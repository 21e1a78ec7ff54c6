"""The tokens of an address-list (RFC 5322, 3.2 and 3.4), for the strict and for the lenient reader alike.

One pass from left to right, whatever stands there: nothing is looked at again because a quote or a comment is
never closed. So ten thousand open parentheses take as long as ten thousand letters.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

Token = tuple[str, str, int, int]
"""(kind, value, start, end). Kind: word, encoded, quoted, literal, comment, junk, or the special character.
The value of a quoted string is its content; of any other token its text."""

Item = Sequence[Token]

_ATOM = r'[^\0-\x20"(),.:;<>@\[\\\]\x7f]++'  # RFC 5322, 3.2.3, with the UTF-8 of RFC 6532, 3.2
_TOKEN = re.compile(
    r"[ \t]*+(?:"  # RFC 5322, 3.2.2
    r"(?P<encoded>=\?[\w.:*+-]{1,60}\?[bBqQ]\?[^?\s]*+\?=)"  # RFC 2047, 2; the wild ones hold specials
    rf"|(?P<word>{_ATOM}(?:\.{_ATOM})*+)"  # RFC 5322, 3.2.3: dot-atom-text
    r"|(?P<special>[,.:;<>@])"
    r'|(?P<quoted>"(?:[^"\\]++|\\.)*+")'  # RFC 5322, 3.2.4
    r"|(?P<comment>\()"
    r"|(?P<literal>\[(?:[^\[\]\\]++|\\.)*+\])"  # RFC 5322, 3.4.1
    r"|(?P<junk>\\.|.))",
    re.DOTALL,
)
_COMMENT_PART = r"(?s)[^()\\]++|\\.|[()]"  # RFC 5322, 3.2.2
PAIR = r"(?s)\\(.)"  # RFC 5322, 3.2.1: quoted-pair

_MISPLACED = {
    '"': "the quote is never closed",
    "(": "the comment is never closed",
    ")": "the ')' closes nothing",
    "[": "the '[' is never closed",
    "]": "the ']' closes nothing",
    ">": "the '>' closes nothing",
}


class Fault(Exception):
    """An item that is no mailbox: `reason`, at `position` of the text."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(position, reason)
        self.position = position
        self.reason = reason


def tokens(text: str) -> list[Token]:
    """All tokens of `text`; blanks between them are left out."""
    found: list[Token] = []
    at, size = 0, len(text.rstrip(" \t"))
    comments = True  # behind a "(" that is never closed, no other begins a comment
    while at < size and (match := _TOKEN.match(text, at)):  # there always is one: junk is anything
        kind = match.lastgroup or "junk"
        start, at = match.span(kind)
        value = match[kind]
        if kind == "special":
            kind = value
        elif kind == "quoted":
            value = unquoted(value[1:-1])
        elif kind == "comment":
            end = _end_of_comment(text, start) if comments else 0
            comments = bool(end)
            kind, at = ("comment", end) if end else ("junk", at)
            value = text[start:at]
        found.append((kind, value, start, at))
    return found


def unquoted(text: str) -> str:
    """The content of a quoted string or of a comment, its quoted pairs resolved."""
    return re.sub(PAIR, r"\1", text) if "\\" in text else text


def _end_of_comment(text: str, start: int) -> int:
    """Where the comment that begins at `start` ends; 0 if it never does. Comments nest."""
    depth = 0
    for part in re.compile(_COMMENT_PART).finditer(text, start):
        depth += (part[0] == "(") - (part[0] == ")")
        if not depth:
            return part.end()
    return 0


def items(found: Iterable[Token]) -> Iterator[tuple[Item, Token]]:
    """What stands between the separators `,` `;` `:` of a list, each with the one that ends it.

    The last one ends with a token of the kind "end". Separators in a source route are part of the item.
    """
    item: list[Token] = []
    route, previous = False, ""
    for token in found:
        kind = token[0]
        if kind == "comment":
            item.append(token)
            continue
        if previous == "<" and kind in ("@", ","):  # RFC 5322, 4.4: obs-route
            route = True
        if kind in (",", ";", ":") and not route:
            yield item, token
            item = []
        else:
            item.append(token)
        route = route and kind not in (":", ">")
        previous = kind
    yield item, ("end", "", 0, 0)


def parts(item: Item) -> tuple[Item, Item, Item, Item]:
    """An item without comments as phrase, source route, address and rest (what stands behind the ">")."""
    kinds = [token[0] for token in item]
    if "<" not in kinds:
        return (), (), item, ()
    opened = kinds.index("<")
    if ">" not in kinds[opened:]:
        raise Fault(item[opened][2], "the '<' is never closed")
    closed = kinds.index(">", opened)
    begin = opened + 1
    if kinds[begin] in ("@", ",") and ":" in kinds[begin:closed]:  # RFC 5322, 4.4: obs-route
        begin = kinds.index(":", begin) + 1
    return item[:opened], item[opened + 1 : begin], item[begin:closed], item[closed + 1 :]


def joined(item: Item) -> str:
    """The values of an item's tokens, with one blank wherever blanks or comments stood between them."""
    text: list[str] = []
    end = None
    for _, value, start, stop in item:
        text.append(value if end in (None, start) else f" {value}")
        end = stop
    return "".join(text)


def dotted(item: Item, kinds: Sequence[str], what: str) -> str:
    """The text of a local part or a domain: words of these kinds with dots between them.

    Blanks and comments may stand round a dot (RFC 5322, 4.4: obs-local-part, obs-domain).
    """
    after_word = False
    for token in item:
        if token[0] != ".":
            if token[0] not in kinds:
                raise misplaced(token, what)
            if after_word:
                raise Fault(token[2], "a comma is missing, or '<' and '>' round the address")
        after_word = token[0] != "."
    return "".join([token[1] for token in item])


def misplaced(token: Token, what: str) -> Fault:
    """The fault of a token that cannot stand in `what`."""
    kind, value, start, _ = token
    if kind == "encoded":
        return Fault(start, f"an encoded word cannot stand in {what}")  # RFC 2047, 5
    return Fault(start, _MISPLACED.get(value, f"'{value}' cannot stand in {what}"))
