//! End to end: the real binaries on the local bundle. Everything is in `tests/`.
