from ccc.address import parse_mailbox
from ccc.cli.entries import as_json, is_wanted, panels, table
from ccc.journal.entry import Entry, Filter, Phase, Record
from ccc.plan import Action

ANN = Record(parse_mailbox("ann@b.test"), Phase.ACCEPTED, False, 1000.0, 1, None, False, *[""] * 4, None)
BOB = ANN._replace(
    mailbox=parse_mailbox("bob@b.test"), phase=Phase.DEFERRED, changed=2000.0, next_attempt=3000.0
)
ENTRY = Entry(
    *("k3f9xq7m", Action.REDIRECT, "2.eml", "<1@a.test>", "", None, "aa", None, 900.0, 5, "bb", True),
    records=(ANN, BOB),
)


def wanted(**asked):
    return [record.mailbox.local for record in ENTRY.records if is_wanted(record, Filter(**asked))]


def test_without_a_filter_everybody_is_wanted():
    assert wanted() == ["ann", "bob"]


def test_of_an_entry_only_those_are_wanted_of_whom_it_is_true():
    assert wanted(recipient="BOB") == ["bob"]
    assert wanted(phase=Phase.ACCEPTED) == ["ann"]
    assert wanted(since=1500.0) == ["bob"]
    assert wanted(until=1500.0) == ["ann"]
    assert wanted(since=1000.0, until=1000.0) == ["ann"]


def test_the_table_has_only_those_who_are_wanted():
    (line,) = table([ENTRY], Filter(recipient="bob"))
    assert line.startswith("deferred ")


def test_the_table_names_the_source_where_there_is_no_subject():
    assert [line.split()[-1] for line in table([ENTRY], Filter())] == ["2.eml", "2.eml"]
    assert next(table([ENTRY._replace(source="-")], Filter())).endswith("standard input")
    assert next(table([ENTRY._replace(source="")], Filter())).endswith(ENTRY.name)


def test_a_long_address_does_not_widen_the_whole_table():
    long = ANN._replace(mailbox=parse_mailbox(f"{'x' * 60}@b.test"))
    first, second = table([ENTRY._replace(records=(ANN, long))], Filter())
    assert first.index(ENTRY.name) == len("accepted    1970-01-01 00:16  redirect  ") + 40 + 2
    assert second.endswith(f"@b.test  {ENTRY.name}  2.eml")


def test_a_table_of_any_length_is_made_line_by_line():
    def endless():
        while True:
            yield ENTRY

    lines = table(endless(), Filter())
    assert [next(lines)[:8] for _ in range(1000)] == ["accepted", "deferred"] * 500


def test_what_is_not_known_has_no_row():
    about, ann, bob = panels(ENTRY)
    assert [row.label for row in about.rows] == [
        *("Action", "Planned", "Source", "Message-ID", "Return address", "Octets", "SHA-256")
    ]
    assert [row.label for row in ann.rows] == ["State", "Since", "Attempts"]
    assert [row.label for row in bob.rows] == ["State", "Since", "Attempts", "Next attempt", "Next step"]


def test_what_another_ccc_has_needs_no_next_step():
    _, busy = panels(ENTRY._replace(records=(BOB._replace(phase=Phase.SENDING, busy=True),)))
    assert busy.rows[0].what == "sending, in the hands of another ccc"
    assert "Next step" not in [row.label for row in busy.rows]


def test_a_null_reverse_path_is_an_empty_string_in_json():
    assert as_json(ENTRY)["reverse_path"] == ""
