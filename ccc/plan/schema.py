"""The plan as JSON, schema 1: adding a key is free, changing one makes it another schema.

The values are the message's own, not made visible: json.dumps() escapes what is not ASCII.
"""

from typing import TYPE_CHECKING

from ccc.address import Mailbox
from ccc.plan.edits import Edit
from ccc.plan.shown import Marked
from ccc.receipt import SCHEMA

if TYPE_CHECKING:
    from ccc.plan.plan import Plan


def as_json(plan: "Plan") -> dict[str, object]:
    """Every fact of the plan, as dicts, lists and strings."""
    shown = plan.shown
    return {
        "schema": SCHEMA,
        "action": plan.action.value,
        "source": plan.source,
        "message": _message(plan),
        "identity": _mailbox(plan.identity),
        "envelope": _envelope(plan),
        "shown": {
            "to": _marked(shown.to),
            "cc": _marked(shown.cc),
            "resent_to": _marked(shown.resent_to),
            "resent_cc": _marked(shown.resent_cc),
        },
        "resent_message_id": plan.resent_message_id,
        "edits": [_edit(edit) for edit in plan.edits],
        "findings": [{"code": each.code, "level": each.level, "text": each.text} for each in plan.findings],
    }


def _message(plan: "Plan") -> dict[str, object]:
    return {
        "from": plan.author,
        "subject": plan.subject,
        "date": plan.date,
        "message_id": plan.message.message_id,
        "size": plan.content.size,
        "digest": plan.message.digest,
    }


def _envelope(plan: "Plan") -> dict[str, object]:
    path = plan.envelope.reverse_path
    return {
        "reverse_path": path.addr_spec if path else "",  # RFC 5321, 4.5.5: the null reverse-path
        "forward_paths": [mailbox.addr_spec for mailbox in plan.envelope.forward_paths],
    }


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {"name": mailbox.name, "address": mailbox.addr_spec}


def _marked(marked: Marked) -> list[dict[str, str]]:
    return [{**_mailbox(mailbox), "mark": mark.value} for mailbox, mark in marked]


def _edit(edit: Edit) -> dict[str, str]:
    return {
        "change": edit.change.value,
        "field": edit.name,
        "octets": edit.octets.decode("utf-8", "backslashreplace"),
        "reason": edit.reason,
    }
