"""The real DNS of the tests does what they rely on."""

import pytest

from ccc.errors import TryLaterError
from ccc.resolver import Mx, Resolver


def test_each_zone_has_its_own_kind_of_answer(knot):
    resolver = Resolver(
        knot.zone("a.test. MX 10 mx.a.test.\na.open. MX 10 mx.a.open.\na.bogus. MX 10 mx.a.bogus.")
    )
    assert resolver.mx("a.test").secure
    assert resolver.mx("a.open") == resolver.mx("a.open")._replace(
        records=(Mx(10, "mx.a.open"),), secure=False
    )
    with pytest.raises(TryLaterError, match="SERVFAIL"):
        resolver.mx("a.bogus")


def test_that_there_is_nothing_is_proved_too(knot):
    resolver = Resolver(knot.zone("a.test. A 192.0.2.1"))
    assert (resolver.mx("a.test").exists, resolver.mx("b.test").exists) == (True, False)
    assert resolver.mx("a.test").secure
    assert resolver.mx("b.test").secure


def test_new_records_take_the_place_of_the_old_ones_at_once(knot):
    resolver = Resolver(knot.address)
    for number in range(3):
        knot.zone(f'a.test. TXT "{number}"')
        assert resolver.txt("a.test").records == (str(number).encode(),)
        knot.zone("")
        assert not resolver.txt("a.test").exists
