"""`@law` above `@given`: a law is tried a hundred times in a quick run, in a sweep as often as anything."""

from hypothesis import settings

law = settings(max_examples=max(100, settings().max_examples))
