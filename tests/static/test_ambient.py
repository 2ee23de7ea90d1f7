"""Time, environment and terminal are arguments: only the edges of the package reach for them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from source_tree import PACKAGE, modules, parsed, relative

# What may talk to the person or read the machine's settings; tests' fakes may do as they like.
EDGES = ("cli", "demo", "testing", "settings", "__main__.py")
# A child process inherits the environment; this one module decides what Git must not inherit.
PASSES_IT_ON = ("git/program.py",)
# Scripts that run as processes of their own: how they were called is all they are told.
OWN_PROCESSES = ("quality/parquet_child.py", "quality/pattern_child.py")
# The Python API offers "now" as a default, the layers below receive it.
CLOCK_READERS = (*EDGES, "api")

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.path.expanduser"}
HOME = {"pathlib.Path.home", "Path.home"}
TERMINAL = {
    "input()",
    "os.get_terminal_size",
    "print()",
    "shutil.get_terminal_size",
    "sys.argv",
    "sys.stderr",
    "sys.stdin",
    "sys.stdout",
}
CLOCK = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.now",
    "datetime.utcnow",
    "time.time",
    "time.time_ns",
}


def dotted(node: ast.AST) -> str:
    """`a.b.c` for an attribute chain on a name, else nothing."""
    if isinstance(node, ast.Attribute):
        start = dotted(node.value)
        return f"{start}.{node.attr}" if start else ""
    return node.id if isinstance(node, ast.Name) else ""


def uses(names: Collection[str], allowed: Collection[str]) -> Iterator[str]:
    """Each use of the names outside the allowed parts, imports from their modules included."""
    for module in modules():
        inside = module.relative_to(PACKAGE)
        if inside.parts[0] in allowed or inside.as_posix() in allowed:
            continue
        for node in ast.walk(parsed(module)):
            found = {dotted(node.func) + "()" if isinstance(node, ast.Call) else dotted(node)}
            if isinstance(node, ast.ImportFrom):
                found = {f"{node.module}.{alias.name}" for alias in node.names}
            for name in found & set(names):
                yield f"{relative(module)}:{getattr(node, 'lineno', 0)}: {name}"


def test_only_the_command_line_and_settings_read_the_environment() -> None:
    assert not list(uses(ENVIRONMENT | HOME, (*EDGES, *PASSES_IT_ON)))


def test_only_the_command_line_touches_the_terminal() -> None:
    assert not list(uses(TERMINAL, (*EDGES, *OWN_PROCESSES)))


def test_the_layers_below_the_api_are_told_the_time() -> None:
    assert not list(uses(CLOCK, CLOCK_READERS))
