"""A mail that another ccc lets go of just when this one has seen that it need not log in."""

from pathlib import Path

from ccc.address import parse_mailbox
from ccc.cli.after import Aftermath
from ccc.cli.choices import Choices
from ccc.cli.sending import Run, Tools, send
from ccc.cli.signals import Interrupts
from ccc.cli.stores import Stores
from ccc.cli.taken import Taken
from ccc.cli.ways import Ways
from ccc.config import Config
from ccc.journal.journal import Terms
from tests.journal.desk import MAIL, ME, X, opened, phases, redirect
from tests.lab.sink import EVERYTHING, Sink


def test_what_another_run_lets_go_of_meanwhile_does_not_go_out_without_a_login(
    state_folder: Path, tmp_path: Path, capsys
):
    mail = tmp_path / "mail.eml"
    mail.write_bytes(MAIL)
    with opened(state_folder) as other, opened(state_folder) as journal, Sink(EVERYTHING) as sink:
        other.enter([other.prepare(redirect(X))], Terms())

        class LettingGo(Interrupts):
            def begin_sending(self) -> None:
                super().begin_sending()
                other.close()

        choices = Choices(
            sources=(str(mail),),
            to=(parse_mailbox(X),),
            sender=parse_mailbox(ME),
            smtp=f"smtp://user@127.0.0.1:{sink.port}",
        )
        with LettingGo() as interrupts, Stores(choices, interrupts, terminal=False) as stores:
            ways = Ways("redirect", choices, Config(), stores, interrupts, terminal=False)
            taken = Taken("redirect", choices, Config(), stores, journal)
            taken.look(ways.recipients, terminal=False)
            tools = Tools(ways, taken, Aftermath(choices, Config(), stores), journal)
            status = send(Run(choices, interrupts, tools, terminal=False))
    assert (sink.transactions, status, phases(state_folder)) == ([], 75, {X: "deferred"})
    assert "ccc retry" in capsys.readouterr().err
