from ccc.address import Mailbox
from ccc.cli.words import accepted, failed_lines, sent_lines
from ccc.errors import Kind, MessageError, UsageError
from ccc.receipt import Outcome, Receipt, State
from ccc.smtp.replies import Reply

ANN, BOB = Mailbox("ann", "example.org"), Mailbox("bob", "example.org")
HOP = "mx.example.org:25"


def test_who_has_it_is_one_line_each():
    receipt = Receipt("m.eml", (Outcome(ANN, State.ACCEPTED, None, "250 Ok", None, HOP),))
    assert list(sent_lines(receipt)) == ["sent m.eml to ann@example.org by mx.example.org:25: 250 Ok"]
    assert list(failed_lines(receipt)) == []
    assert len(list(accepted(receipt))) == 1


def test_who_has_it_not_is_one_line_each_with_what_it_means():
    receipt = Receipt(
        "m.eml",
        (
            Outcome(ANN, State.REFUSED, Reply(550, (b"no",)), "550 no such user", Kind.REFUSED, HOP),
            Outcome(BOB, State.IN_DOUBT, None, "the link was lost", Kind.TRY_LATER, HOP),
        ),
    )
    refused, in_doubt = failed_lines(receipt)
    assert refused.startswith(
        "m.eml: ann@example.org refused by mx.example.org:25: 550 no such user; it is refused for good"
    )
    assert in_doubt.startswith(
        "m.eml: bob@example.org in doubt at mx.example.org:25: the link was lost; it may have"
    )
    assert list(sent_lines(receipt)) == []


def test_an_error_is_a_line_with_its_cure():
    receipt = Receipt("-", error=MessageError("there is a NUL", "octet 3", "save it again"))
    assert list(failed_lines(receipt)) == ["standard input: there is a NUL (octet 3); save it again"]


def test_a_way_without_a_reason_needs_no_colon():
    receipt = Receipt("m.eml", (Outcome(ANN, State.ACCEPTED),))
    assert list(sent_lines(receipt)) == ["sent m.eml to ann@example.org"]


def test_an_error_that_names_its_source_names_it_once():
    (line,) = failed_lines(Receipt("mbox:a#0", error=UsageError("'mbox:a#0' cannot be read: counted from 1")))
    assert line == "'mbox:a#0' cannot be read: counted from 1"
