"""What an error says and carries."""

from ccc.errors import AddressError, CccError, CopyUnreadable, Interrupted, Kind, NotImap, ProtocolError


def test_an_error_says_what_was_wrong_and_then_the_next_step() -> None:
    assert str(CccError("the file is empty", "name another one")) == "the file is empty; name another one"
    assert str(CccError("the file is empty")) == "the file is empty"


def test_an_error_may_be_told_what_kind_it_is() -> None:
    assert CccError("no").kind is Kind.BUG
    assert CccError("no", kind=Kind.PERMISSION).kind is Kind.PERMISSION
    assert CccError.kind is Kind.BUG


def test_who_breaks_the_protocol_is_told_from_who_cannot_be_reached_where_nothing_is_under_way() -> None:
    assert ProtocolError("no").kind is Kind.TRY_LATER
    assert NotImap("no").kind is Kind.PROTOCOL
    assert NotImap("no").cure == ProtocolError("no").cure
    assert NotImap("no", "try another").cure == "try another"


def test_an_address_error_counts_characters_as_people_do() -> None:
    assert str(AddressError("a@@b", 2, "unexpected @")) == "address 'a@@b', character 3: unexpected @"


def test_an_address_error_shows_a_long_list_only_around_the_fault() -> None:
    text = "a@example.org, " * 20 + "b@@example.org, " + "c@example.org, " * 1000
    said = str(AddressError(text, text.index("@@") + 1, "unexpected @"))
    assert "b@@example.org" in said
    assert len(said) < 200
    assert said.startswith("address '…")
    assert "…'" in said


def test_an_address_error_at_the_beginning_of_a_long_list_shows_the_beginning() -> None:
    assert str(AddressError("@" + "x" * 500, 0, "why")).startswith("address '@x")


def test_an_address_error_at_the_end_of_a_long_list_shows_the_end() -> None:
    assert "x@', character 501: why" in str(AddressError("x" * 500 + "@", 500, "why"))


def test_only_ctrl_c_is_an_interruption_other_signals_mean_later() -> None:
    assert Interrupted("by SIGINT", 2).kind is Kind.INTERRUPTED
    assert Interrupted("by SIGTERM", 15).kind is Kind.TRY_LATER


def test_a_copy_that_cannot_be_read_is_no_fault_of_the_message() -> None:
    error = CopyUnreadable("it is busy")
    assert error.kind is Kind.CANNOT_WRITE
    assert str(error).startswith(
        "the journal's copy of the message cannot be read: it is busy; check the folder"
    )
