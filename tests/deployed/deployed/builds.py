"""The functions as they are shipped: built by `sam build`, and by `cargo lambda build` alone.

Both must give the same functions. They call the same cargo with the same profile, so that what they make is compared byte by byte.
"""

import hashlib
import platform
import shutil

from deployed import processes
from deployed.failure import check, equal
from deployed.place import OUTPUT, ROOT, environment
from deployed.transformed import template

ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
# Such a build takes a fraction of the time of the real one. What the functions do is the same.
_CHEAP = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
}
# What the standard library's unwinding marks its exceptions with. One that aborts has no use for it, and does not hold it.
_UNWINDS = b"MOZ\0RUST"
# The name of the section that stripping takes away.
_SYMBOLS = b"\0.symtab\0"
_LARGEST = 40_000_000
_SECONDS = 3600


def _environment(profile):
    return environment(**(_CHEAP if profile == "ci" else {}))


def sam(profile):
    """Runs `sam build`, and returns the directory of what it made."""
    directory = OUTPUT / "build"
    command = ["sam", "build", "--build-dir", directory, "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    processes.run(command, shown=True, seconds=_SECONDS, env=_environment(profile))
    return directory


def cargo_lambda(profile):
    """Runs `cargo lambda build`, and returns the directory of what it made."""
    directory = OUTPUT / "cargo-lambda"
    shutil.rmtree(directory, ignore_errors=True)
    command = ["cargo", "lambda", "build", "--release", "--lambda-dir", directory]
    processes.run(command, shown=True, seconds=_SECONDS, env=_environment(profile))
    return directory


def binaries():
    """The binary of each function, by the function's logical id: its folder's name is the one, and the template says the other."""
    resources = template()["Resources"]
    functions = [name for name, it in resources.items() if it["Type"] == "AWS::Lambda::Function"]
    return {function: _binary(function) for function in functions}


def _binary(function):
    name = function.removesuffix("Function").lower()
    return name if name == "worker" else f"{name}-webhook"


def same(profile):
    """Both ways of building give the same functions, and nothing besides."""
    by_sam, by_cargo_lambda = sam(profile), cargo_lambda(profile)
    wanted = binaries()
    equal("functions that `sam build` made", sorted(wanted), _directories(by_sam))
    equal("functions that `cargo lambda build` made", sorted(wanted.values()), _directories(by_cargo_lambda))
    for function, binary in wanted.items():
        equal(f"files of {function}", ["bootstrap"], [it.name for it in (by_sam / function).iterdir()])
        ones, others = by_sam / function / "bootstrap", by_cargo_lambda / binary / "bootstrap"
        equal(f"{function} by both ways, as SHA-256", _digest(ones), _digest(others))
        _check_bootstrap(function, ones)


def _check_bootstrap(function, file):
    text = file.read_bytes()
    check(text.startswith(b"\x7fELF"), f"{function}: {file} is no ELF file")
    check(len(text) < _LARGEST, f"{function}: {len(text)} bytes are more than {_LARGEST}: is it stripped?")
    check(_SYMBOLS not in text, f"{function} is not stripped")
    check(_UNWINDS in text, f"{function} aborts on a panic, and would take the other messages of its batch with it")
    print(f"   {function}: {len(text) / 1e6:.1f} MB, unwinds, sha256 {_digest(file)[:16]}…")


def _directories(directory):
    return sorted(it.name for it in directory.iterdir() if it.is_dir())


def _digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()
