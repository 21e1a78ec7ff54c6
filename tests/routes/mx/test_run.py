"""What the calling thread hears of the others."""

from ccc.resolver import Resolver
from ccc.routes.mx.route import Mx
from ccc.routes.mx.run import Run


def test_what_goes_wrong_with_one_thing_heard_keeps_no_other_from_being_done():
    done = []

    def broken():
        raise ZeroDivisionError

    run = Run(Mx(Resolver("127.0.0.1")), iter(()), None)
    run._hear((broken, lambda: done.append(1)))
    assert (done, type(run._bug)) == ([1], ZeroDivisionError)
    run._close()
