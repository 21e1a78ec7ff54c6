"""What the tests of addresses draw from: mailboxes of every kind, and texts that look like address-lists."""

from hypothesis import assume
from hypothesis import strategies as st

from ccc.address import Mailbox, undeliverable

seen = st.characters(exclude_categories=["C", "Z"])
locals_ = st.one_of(
    st.from_regex(r"[a-z0-9]{1,8}(\.[a-z]{1,5})?", fullmatch=True),
    st.text(st.one_of(seen, st.sampled_from(' ."\\@<>(),;:[]=?')), min_size=1, max_size=20),
)
names = st.one_of(
    st.just(""),
    st.from_regex(r"[A-Z][a-z]{1,6} [A-Z][a-z]{1,60}", fullmatch=True),
    st.text(st.one_of(seen, st.sampled_from(' .,"\\@<>()=?_\u200d')), max_size=30),
    st.sampled_from(
        [
            "=?utf-8?q?a?=",
            "=?utf-8?b?YQ==?= =?utf-8?b?YQ==?=",
            "=?",
            "?=",
            " ",
            '"',
            "\\",
            "ü" * 200,
            "a" * 80,
            "a b, " * 30,
        ]
    ),
)
domains = st.one_of(
    st.from_regex(r"([a-z0-9]{1,8}\.){1,3}[a-z]{2,5}", fullmatch=True),
    st.sampled_from(["localhost", "xn--bcher-kva.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "a-b.c--d.org"]),
)


@st.composite
def _mailboxes(draw: st.DrawFn) -> Mailbox:
    mailbox = Mailbox(draw(locals_), draw(domains), draw(names))
    assume(not undeliverable(mailbox))
    return mailbox


mailboxes = _mailboxes()
lists = st.lists(mailboxes, max_size=4).map(tuple)

pieces = st.one_of(
    st.sampled_from(' \t,;:<>@.()[]"\\=?\0\x1b\x85\u202e\ufffdaü1-'),
    st.sampled_from(["\r\n ", "b.c", "ann@x.org", "<a@x.org>", "Ann", '"q"', '"a b"@x.org', "(c)", "(c(d))"]),
    st.sampled_from(
        ["\\(", '\\"', "[192.0.2.1]", "<@r.org,@s.org:c@d.org>", "g: a@x.org;", "bücher.org", "xn--a"]
    ),
    st.sampled_from(["=?utf-8?q?a,b?=", "=?utf-8?b?w7w=?=", "=?x", "?="]),
)
soup = st.lists(pieces, max_size=15).map("".join)
texts = st.one_of(soup, st.text(max_size=60))
