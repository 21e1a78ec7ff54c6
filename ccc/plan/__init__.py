"""What is asked and a message make a plan: the envelope, the edited message, the findings.

Reading order: request (what is asked, of any message), people (who is named in it), identity (who asks),
shown (who sees whom), edits (what happens to the header), plan (all of it together), schema (as JSON).
"""

from ccc.plan.edits import Change, Edit
from ccc.plan.plan import Plan, make_plan
from ccc.plan.request import Action, Request, Resent
from ccc.plan.shown import Mark, Marked, Shown

__all__ = [
    "Action",
    "Change",
    "Edit",
    "Mark",
    "Marked",
    "Plan",
    "Request",
    "Resent",
    "Shown",
    "make_plan",
]
