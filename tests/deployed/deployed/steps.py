"""Says what is being done, and how long it took."""

import contextlib
import time

done = []


@contextlib.contextmanager
def step(name):
    """Says so when the block has ended well."""
    before = time.monotonic()
    yield
    done.append(name)
    print(f"ok {time.monotonic() - before:6.1f} s  {name}", flush=True)
