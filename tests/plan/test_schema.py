"""The plan as JSON: every fact of it, in keys that stay."""

import json
from typing import Any

from ccc.message.message import read
from ccc.message.octets import HeldOctets
from ccc.plan import Plan
from ccc.receipt import Receipt
from tests.plan.mail import HEADER, mail, octets, redirect, resend, with_lines


def said(plan: Plan) -> Any:
    return json.loads(json.dumps(plan.as_json()))


def test_a_plan_as_json_names_its_schema() -> None:
    assert said(resend())["schema"] == 1


def test_the_keys_of_schema_1_stay() -> None:
    assert list(said(resend())) == [
        "schema",
        "action",
        "source",
        "message",
        "identity",
        "envelope",
        "shown",
        "resent_message_id",
        "edits",
        "findings",
    ]


def test_action_and_source() -> None:
    plan = said(redirect())
    assert (plan["action"], plan["source"]) == ("redirect", "a.eml")


def test_the_message() -> None:
    plan = resend()
    assert said(plan)["message"] == {
        "from": "Ann <ann@example.org>",
        "subject": "hello",
        "date": "Mon, 9 Mar 2026 08:00:00 +0000",
        "message_id": "<1@example.org>",
        "size": plan.content.size,
        "digest": plan.message.digest,
    }


def test_the_identity() -> None:
    assert said(redirect())["identity"] == {"name": "Me", "address": "me@example.com"}


def test_the_envelope() -> None:
    assert said(redirect(bcc="eve@example.com"))["envelope"] == {
        "reverse_path": "me@example.com",
        "forward_paths": ["dora@example.com", "eve@example.com"],
    }


def test_the_null_reverse_path_is_empty() -> None:
    assert said(redirect(with_lines("Return-Path: <>")))["envelope"]["reverse_path"] == ""


def test_who_is_shown() -> None:
    assert said(resend())["shown"] == {
        "to": [{"name": "Bob", "address": "bob@example.org", "mark": "seen, not sent"}],
        "cc": [
            {"name": "Carol", "address": "carol@example.net", "mark": "seen, not sent"},
            {"name": "", "address": "dora@example.com", "mark": "new, gets it"},
        ],
        "resent_to": [],
        "resent_cc": [],
    }


def test_the_resent_message_id() -> None:
    assert said(redirect())["resent_message_id"] == "<token@example.com>"


def test_the_edits() -> None:
    assert said(resend())["edits"] == [
        {
            "change": "extended",
            "field": "Cc",
            "octets": ",\r\n dora@example.com",
            "reason": "everybody sees the people who are new",
        }
    ]


def test_the_findings() -> None:
    (finding,) = said(redirect(mail(*HEADER, "Subject: again")))["findings"]
    assert (finding["code"], finding["level"]) == ("duplicate-field", "warning")
    assert finding["text"]


def test_octets_that_are_no_text_are_escaped() -> None:
    message = read(HeldOctets(b"Status: \xff\r\n" + octets(*HEADER)), "a.eml")
    (edit, *_) = said(redirect(message))["edits"]
    assert edit["octets"] == "Status: \\xff\r\n"


def test_a_plan_and_its_receipt_can_be_merged() -> None:
    plan, receipt = resend().as_json(), Receipt("a.eml").as_json()
    common = set(plan) & set(receipt)
    assert common == {"schema", "source"}
    assert all(plan[key] == receipt[key] for key in common)
