"""The real template and the real binaries, under the tools that deploy them, on this machine alone."""
