"""Threads at work: who could not begin is not waited for."""

import pytest

from ccc.routes.mx.crew import Crew


def test_a_job_that_cannot_begin_is_not_counted():
    crew = Crew(2, lambda _: None, lambda _: None)

    def prepare():
        raise OSError("no more descriptors")

    with pytest.raises(OSError, match="descriptors"):
        crew.start(prepare)
    assert crew.idle
