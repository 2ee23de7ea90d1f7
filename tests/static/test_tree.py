"""The source tree is what ARCHITECTURE.md says it is, and every file keeps the house rules.

The code map is the section of ARCHITECTURE.md whose heading says "Code map".  Each of its lines
that starts (after table or list marks) with a folder in backticks, `assay/core/`, describes that
folder; the modules in backticks on the same line, `digest.py`, are those it holds.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from source_tree import PACKAGE, document, modules, parsed, project_files, relative

MOST_LINES = 450


def code_map_section() -> str:
    """The text between the heading "Code map" and the next heading."""
    parts = re.split(r"^(#+ .*)$", document("ARCHITECTURE.md"), flags=re.MULTILINE)
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        if "code map" in heading.lower():
            return body
    raise AssertionError("ARCHITECTURE.md has no heading that says Code map")


def described() -> dict[str, list[str]]:
    """Folder (from `src`, with a slash at its end) -> modules, as the code map has them."""
    tree: dict[str, list[str]] = {}
    for line in code_map_section().splitlines():
        folder = re.match(r"[\s|*-]*`([\w/]+/)`", line)
        if folder:
            names = re.findall(r"`(\w+\.py)`", line)
            tree.setdefault(folder[1], []).extend(names)
    return tree


def existing() -> dict[str, list[str]]:
    """The same, as the file system has it; `__init__.py` goes without saying."""
    tree: dict[str, list[str]] = defaultdict(list)
    for module in modules():
        names = tree[module.parent.relative_to(PACKAGE.parent).as_posix() + "/"]
        if module.name != "__init__.py":
            names.append(module.name)
    return tree


def test_the_code_map_names_every_folder_and_module_and_nothing_else() -> None:
    said, real = described(), existing()
    wrong = [
        f"{folder}  missing: {sorted(names - told) or '-'}  gone: {sorted(told - names) or '-'}"
        for folder in sorted({*said, *real})
        for told, names in [(set(said.get(folder, [])), set(real.get(folder, [])))]
        if told != names or (folder in said) != (folder in real)
    ]
    assert not wrong, "ARCHITECTURE.md's code map:\n" + "\n".join(wrong)


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {module.parent for module in modules()}
    assert not [relative(f) for f in sorted(folders) if not (f / "__init__.py").is_file()]


def test_every_module_says_in_its_first_line_what_it_owns() -> None:
    silent = []
    for module in modules():
        docstring = ast.get_docstring(parsed(module)) or ""
        starts_file = module.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
        first_line = docstring.split("\n", 1)[0].strip()
        if not (starts_file and first_line.endswith((".", ":"))):
            silent.append(f"{relative(module)}: {first_line!r}")
    assert not silent, "\n".join(silent)


def test_no_module_is_too_long_to_be_read_at_once() -> None:
    lengths = {
        relative(module): module.read_text(encoding="utf-8").count("\n") for module in modules()
    }
    long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
    assert not long, long


def matches(pattern: str, paths: tuple[Path, ...]) -> Iterator[str]:
    """Each match of a pattern in the files that are text, as `path:line: what`."""
    for path in paths:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        text = content.decode("utf-8", errors="replace")
        for found in re.finditer(pattern, text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{relative(path)}:{line}: {found[0]!r}"


def test_no_file_mentions_a_path_of_one_machine() -> None:
    # The look-behind lets URLs and relative paths through, which only happen to hold the word.
    machine_path = r"(?<![\w.~$}-])/(?:work|root|home|Users)/[\w.]+|\b[A-Z]:\\Users\\"
    assert not list(matches(machine_path, project_files()))


def test_no_file_names_a_package_index() -> None:
    # Which index serves the dependencies is the business of the machine, not of the project.
    index = r"(?i)\bpypi[.]\w+|\bpython[h]osted\b|--(?:extra-)?index-url|--find-link[s]|/simpl[e]/"
    assert not list(matches(index, project_files()))


def test_the_source_has_no_unfinished_business() -> None:
    unfinished = r"NotImplementedError|\b(?:TODO|FIXME|XXX)\b"
    assert not list(matches(unfinished, modules()))
