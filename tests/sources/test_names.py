"""What a SOURCE means: messages on a server, in an mbox, or a file; nothing is opened to find out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import UsageError
from ccc.sources import items
from ccc.sources.names import MboxName, Url, Wanted, from_name, mbox_from, name_of, parse_uids, scheme_of


def refused(name: str) -> str:
    with pytest.raises(UsageError) as caught:
        from_name(name)
    return str(caught.value)


# --- UIDs


@pytest.mark.parametrize(
    ("text", "bound", "ranges"),
    [
        ("42", None, ((42, 42),)),
        ("42,50:60", None, ((42, 42), (50, 60))),
        ("50:60, 42", None, ((50, 60), (42, 42))),
        ("50:*", None, ((50, None),)),
        ("7:42", None, ((7, 42),)),
        ("42:42", None, ((42, 42),)),
        ("1636544:42", 1636544, ((42, 42),)),
        ("1636544:42,50:60", 1636544, ((42, 42), (50, 60))),
        ("1636544:50:60", 1636544, ((50, 60),)),
        ("1636544:50:*", 1636544, ((50, None),)),
        ("7:42:42", 7, ((42, 42),)),
        ("4294967295", None, ((4294967295, 4294967295),)),
    ],
)
def test_uids_are_numbers_and_ranges_that_ascend(text, bound, ranges):
    assert parse_uids(text) == (bound, ranges)


@pytest.mark.parametrize(
    "text",
    ["", ",", "42,", "0", "-1", "+1", "1.5", "x", "*", "*:50", "5:", ":5", "5:4:3", "1:2:3:4", "9,8:7", "٣",
     "4294967296", "42 43", "1_000", "042"],
)  # fmt: skip
def test_what_is_no_list_of_uids_is_refused_with_the_cure(text):
    with pytest.raises(UsageError, match=r"is no list of UIDs|is no UID") as caught:
        parse_uids(text)
    assert "bound: 1636544:42" in caught.value.cure


@pytest.mark.parametrize(
    ("text", "said"),
    [("foo", "'foo' is no UID"), ("42,foo", "'42,foo' is no list of UIDs: 'foo' is no UID")],
)
def test_what_is_no_uid_is_said_once(text, said):
    with pytest.raises(UsageError) as caught:
        parse_uids(text)
    assert caught.value.what == said


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("imap:", "it names no UID"),
        ("imap:foo", "'foo' is no UID"),
        ("imap:Archive/", "it names no UID"),
        ("imap:Archive/42,", "a number is missing"),
        ("imap:5:4:3", "4:3 descends"),
        ("imaps://b.test/INBOX/;UID=foo", "'foo' is no UID"),
    ],
)
def test_what_names_no_uid_is_called_by_its_name(name, why):
    with pytest.raises(UsageError) as caught:
        from_name(name)
    assert caught.value.what == f"{name!r} cannot be read: {why}"


@given(st.text("0123456789:,*", max_size=20))
def test_any_list_is_read_or_refused(text):
    try:
        _, ranges = parse_uids(text)
    except UsageError:
        return
    assert all(last is None or first <= last for first, last in ranges)


# --- imap: and mid:


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("imap:42", Wanted(uids="42")),
        ("IMAP:42", Wanted(uids="42")),
        ("imap:42,50:60", Wanted(uids="42,50:60")),
        ("imap:1636544:42", Wanted(uidvalidity=1636544, uids="42")),
        ("imap:INBOX/42", Wanted("INBOX", uids="42")),
        ("imap:Lists/a b/1636544:42", Wanted("Lists/a b", 1636544, "42")),
        ("imap:Entwürfe/7:42:42", Wanted("Entwürfe", 7, "42:42")),
        ("mid:<a@b.test>", Wanted(message_id="<a@b.test>")),
        ("mid:<a%25b@b.test>", Wanted(message_id="<a%25b@b.test>")),
        ("mid:a%25b@b.test", Wanted(message_id="<a%b@b.test>")),
        ("mid:owner/project/1@b.test", Wanted(message_id="<owner/project/1@b.test>")),
        ("MID:a%2Fb@b.test", Wanted(message_id="<a/b@b.test>")),
    ],
)
def test_a_short_name_says_what_is_wanted(name, wanted):
    assert from_name(name) == wanted


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("imap:", "it names no UID"),
        ("imap:INBOX", "'INBOX' is no UID"),
        ("imap:/42", "names no folder"),
        ("imaps:42", "names no server"),
        ("mid:", "holds no Message-ID"),
        ("mid:<>", "holds no Message-ID"),
        ("mid:<a@b", "holds no Message-ID"),
        ("mid:a%0Ab@c", "holds no Message-ID"),
        ("mid:<a\r\n@c>", "holds no Message-ID"),
        ("mid:a@b.test/c@d.test", "names a part of a message"),
        ("mid:%ff@b.test", "not UTF-8"),
    ],
)
def test_a_short_name_that_cannot_be_meant_is_refused(name, why):
    assert why in refused(name)


@given(
    st.text(min_size=1).filter(lambda t: not t.startswith("/")),
    st.integers(1, 2**32 - 1),
    st.integers(1, 2**32 - 1),
)
def test_the_name_of_a_message_names_it_again(folder, uidvalidity, uid):
    wanted = from_name(name_of(folder, uidvalidity, uid))
    assert isinstance(wanted, Wanted)
    assert (wanted.folder, wanted.uidvalidity) == (folder, uidvalidity)
    assert parse_uids(wanted.uids) == (None, ((uid, uid),))


# --- URLs (RFC 5092)


@pytest.mark.parametrize(
    ("name", "server", "wanted"),
    [
        ("imap://b.test/INBOX/;UID=42", "imap://b.test", Wanted("INBOX", uids="42")),
        ("imaps://me@b.test/INBOX;UID=42", "imaps://me@b.test", Wanted("INBOX", uids="42")),
        ("IMAPS://me@b.test/INBOX;uid=42", "imaps://me@b.test", Wanted("INBOX", uids="42")),
        ("imaps://b.test:1993/;UID=42", "imaps://b.test:1993", Wanted(uids="42")),
        ("imap://me;AUTH=PLAIN@b.test/A/;UID=1", "imap://me@b.test", Wanted("A", uids="1")),
        ("imap://;AUTH=*@b.test/A/;UID=1", "imap://b.test", Wanted("A", uids="1")),
        ("imap://me%40x.test@b.test/A/;UID=1", "imap://me%40x.test@b.test", Wanted("A", uids="1")),
        (
            "imap://b.test/Sent%20Items;UIDVALIDITY=385759045/;UID=20",
            "imap://b.test",
            Wanted("Sent Items", 385759045, "20"),
        ),
        ("imap://b.test/Entw%C3%BCrfe/;UID=20", "imap://b.test", Wanted("Entwürfe", uids="20")),
        ("imap://b.test/a/b/;UID=20", "imap://b.test", Wanted("a/b", uids="20")),
        ("imap://[::1]/INBOX/;UID=1", "imap://[::1]", Wanted("INBOX", uids="1")),
        (
            "imap://b.test/INBOX?FROM%20boss%20SINCE%201-Nov-2026",
            "imap://b.test",
            Wanted("INBOX", search="FROM boss SINCE 1-Nov-2026"),
        ),
    ],
)  # fmt: skip
def test_a_url_names_a_server_and_a_message(name, server, wanted):
    assert from_name(name) == Url(server, wanted)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("imap://b.test", "names no message"),
        ("imap://b.test/", "names no message"),
        ("imap://b.test/INBOX", "names no message"),
        ("imap://b.test/INBOX/;UID=", "a number is missing"),
        ("imap://b.test/INBOX/;UID=x", "is no UID"),
        ("imap://b.test/INBOX/;UID=1:5", "is no UID"),
        ("imap://b.test/INBOX;UIDVALIDITY=0/;UID=1", "is no UID"),
        ("imap://b.test/INBOX/;UID=1/;SECTION=1.2", "names a part of a message"),
        ("imap://b.test/INBOX/;UID=1;URLAUTH=anonymous", "names a part of a message"),
        ("imap://b.test/%ff/;UID=1", "not UTF-8"),
        ("imap:///INBOX/;UID=1", "this is no server"),
        ("imap://;AUTH=PLAIN/INBOX/;UID=1", "no user"),
        ("imap://b.test:99999/INBOX/;UID=1", "this is no server"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(name, why):
    assert why in refused(name)


@pytest.mark.parametrize("rest", ["/INBOX/;UID=1", "/INBOX", "", "/%ff/;UID=1", "/INBOX/;UID=x"])
def test_a_password_in_a_url_is_refused_and_not_repeated(rest):
    assert "hunter2" not in refused(f"imaps://me:hunter2@b.test{rest}")


# --- what is none of these


@pytest.mark.parametrize("name", ["a.eml", "./imap:42", "-", "", "imapx:42", "/imap:42", "mbox:a", "C:imap"])
def test_other_names_want_nothing_of_a_server(name):
    assert from_name(name) is None


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("mbox:a", "mbox"),
        ("MBOX:a", "mbox"),
        ("imaps://a", "imaps"),
        ("./mbox:a", ""),
        ("mid", ""),
        ("x:y", ""),
    ],
)
def test_a_name_has_a_scheme_or_is_a_file(name, scheme):
    assert scheme_of(name) == scheme


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mbox:a", MboxName("a")),
        ("mbox:a#3", MboxName("a", 3)),
        ("mbox:/x/a#b#3", MboxName("/x/a#b", 3)),
        ("mbox:a#b", MboxName("a#b")),
        ("mbox:a#", MboxName("a#")),
        ("mbox:#1", MboxName("#1")),
    ],
)
def test_an_mbox_is_a_path_with_a_number_or_without(name, meant):
    assert mbox_from(name) == meant


@pytest.mark.parametrize("name", ["imap:42", "imaps://me@b.test/INBOX/;UID=1", "mid:<a@b.test>"])
def test_what_is_on_a_server_is_not_among_the_files(name):
    with pytest.raises(UsageError, match="on a mail server"):
        items(name)


def test_a_file_may_be_named_like_a_message_on_a_server(tmp_path, monkeypatch):
    (tmp_path / "imap:42").write_bytes(b"Subject: a file\n\nhello\n")
    monkeypatch.chdir(tmp_path)
    (item,) = items("./imap:42")
    assert item.read().header.first("subject").value.strip() == b"a file"
