"""A mail that another ccc lets go of just when this one has seen that it need not log in."""

from ccc.cli.choices import Choices
from ccc.cli.sending import Run
from ccc.cli.signals import Interrupts
from ccc.journal.journal import Terms
from tests.journal.desk import Route, X, opened, phases, redirect


def test_what_another_run_lets_go_of_meanwhile_does_not_go_out_without_a_login(state_folder, capsys):
    plan, way = redirect(X), Route()
    with opened(state_folder) as other, opened(state_folder) as journal:
        other.enter([other.prepare(plan)], Terms())

        class LettingGo(Interrupts):
            def begin_sending(self) -> None:
                super().begin_sending()
                other.close()

        with LettingGo() as interrupts:
            run = Run(Choices(sources=("mail.eml",)), interrupts, way, journal, terminal=False)
            run.deliver(iter((plan,)))
    assert (way.taken, run.report.status, phases(state_folder)) == ([], 75, {X: "deferred"})
    assert "ccc retry" in capsys.readouterr().err
