"""How a check says that something is not as it should be."""


class Failure(Exception):
    """Something is not as it should be. The text says what was expected and what was there."""


def check(holds, text):
    """Fails with this text unless something holds."""
    if not holds:
        raise Failure(text)


def equal(what, expected, actual):
    """Fails unless two values are equal, and shows both."""
    check(expected == actual, f"{what}\n    expected: {expected!r}\n    actual:   {actual!r}")


def refused(what, says, act):
    """Fails unless an act fails, and says so in these words."""
    try:
        act()
    except Failure as failure:
        check(says in str(failure), f"{what} does not say {says!r}: {failure}")
    else:
        raise Failure(f"{what} is not refused")
