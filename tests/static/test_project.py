"""The project's metadata and documents agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import assay
from source_tree import ROOT, document, project_files, relative

MOST_DEPENDENCIES = 10


def direct_dependencies() -> list[str]:
    """Names of what a base install needs."""
    project = tomllib.loads(document("pyproject.toml"))["project"]
    names = (re.match(r"[\w.-]+", wanted) for wanted in project["dependencies"])
    return [name[0] for name in names if name]


def test_a_base_install_needs_few_packages_and_each_is_argued_for() -> None:
    names = direct_dependencies()
    assert len(names) <= MOST_DEPENDENCIES
    reasons = document("docs/decisions/0003-base-dependencies.md")
    assert not [name for name in names if f"`{name}`" not in reasons]


def test_the_changelog_has_the_version() -> None:
    assert re.search(
        rf"^## {re.escape(assay.__version__)}\b", document("CHANGELOG.md"), re.MULTILINE
    )


def test_the_first_screen_of_the_readme_says_how_to_start() -> None:
    first_screen = "\n".join(document("README.md").splitlines()[:30])
    wheel = f"pip install assay-{assay.__version__}-py3-none-any.whl"
    for command in ("make demo", "make test", wheel):
        assert command in first_screen


def test_every_decision_is_listed() -> None:
    index = document("docs/decisions/README.md")
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert records
    assert not [record.name for record in records if f"({record.name})" not in index]


def anchor(heading: str) -> str:
    """The fragment that a code host gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


def headings(path: Path) -> set[str]:
    """The anchors of a document."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def links(path: Path) -> list[str]:
    """Targets of the relative links in a document's prose."""
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in project_files():
        for target in links(path) if path.suffix == ".md" else ():
            name, _, fragment = unquote(target).partition("#")
            place = (path.parent / name).resolve() if name else path
            if not place.exists() or (fragment and fragment not in headings(place)):
                broken.append(f"{relative(path)}: {target}")
    assert not broken, "\n".join(broken)
