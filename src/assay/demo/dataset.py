"""One revision of the demo's data: the folder of sentences and templates that a release makes.

    templates/LANGUAGE.json           every language, as published
    sentences/LANGUAGE/INTENT.jsonl   {"sentence", "intent", "template", "slots"}
    LICENSE.md

``template`` names the template that a sentence was made from.  Sentences of one template are
near-copies of each other, so whoever splits the data must split by template.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.demo.vocabulary import LANGUAGES, Vocabulary
from assay.demo.wheels import Wheel, parsed

Row = dict[str, Any]
Label = tuple[str, str]
"""(intent, sentence)."""

# Sentences of one template, and of one intent, at most.  English is what the story is about.
MOST_PER_TEMPLATE = {"en": 48}
MOST_PER_INTENT = {"en": 3_000}
_FEW_PER_TEMPLATE = 10
_FEW_PER_INTENT = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a revision holds.

    ``files``: path below the data folder -> SHA-256 of its content, which owes nothing to assay
    and so can judge it.  ``labels``: language -> its labelled sentences.
    """

    version: str
    files: Mapping[str, bytes]
    size_bytes: int
    labels: Mapping[str, frozenset[Label]]

    @property
    def sentence_count(self) -> int:
        """Labelled sentences in all languages."""
        return sum(map(len, self.labels.values()))

    def intents(self, language: str) -> frozenset[str]:
        """The intents that a language has sentences for."""
        return frozenset(intent for intent, _ in self.labels[language])


def write(wheel: Wheel, folder: Path) -> Dataset:
    """Make the revision of a wheel in ``folder``, in place of what is there."""
    files: dict[str, bytes] = {"LICENSE.md": wheel.licence()}
    labels: dict[str, frozenset[Label]] = {}
    for language, published in wheel.languages().items():
        files[f"templates/{language}.json"] = published
        if language in LANGUAGES:
            by_intent = expand(language, parsed(published))
            labels[language] = frozenset(
                (intent, row["sentence"]) for intent, rows in by_intent.items() for row in rows
            )
            for intent, rows in by_intent.items():
                files[f"sentences/{language}/{intent}.jsonl"] = encoded(rows)
    _replace(folder, files)
    return Dataset(
        version=wheel.release.version,
        files={path: hashlib.sha256(data).digest() for path, data in files.items()},
        size_bytes=sum(map(len, files.values())),
        labels=labels,
    )


def expand(language: str, published: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Intent -> its sentences, from the templates of a language."""
    words = LANGUAGES[language]
    per_template = MOST_PER_TEMPLATE.get(language, _FEW_PER_TEMPLATE)
    per_intent = MOST_PER_INTENT.get(language, _FEW_PER_INTENT)
    grammars = _Grammars(published, words)
    result: dict[str, list[Row]] = {}
    for intent, content in published["intents"].items():
        blocks = content["data"]
        # Every template gets its share, however many there are.
        share = per_intent // max(1, sum(len(block["sentences"]) for block in blocks))
        rows: dict[str, Row] = {}
        for block in blocks:
            for row in _expand_block(intent, block, grammars, max(1, min(per_template, share))):
                rows.setdefault(row["sentence"], row)
        if rows:
            result[intent] = list(rows.values())
    return result


def _expand_block(
    intent: str, block: Mapping[str, Any], grammars: _Grammars, most: int
) -> Iterator[Row]:
    grammar = grammars.of(block)
    for template in block["sentences"]:
        name = template_id(template)
        for sentence, slots in grammar.sentences(template, most):
            yield {
                "sentence": sentence,
                "intent": intent,
                "template": name,
                "slots": {**block.get("slots", {}), **slots},
            }


def template_id(template: str) -> str:
    """A short name for a template, the same in every revision that has it."""
    return hashlib.blake2b(template.encode(), digest_size=6).hexdigest()


class _Grammars:
    """A language's grammar for each kind of thing that a block of templates is about."""

    def __init__(self, published: Mapping[str, Any], words: Vocabulary) -> None:
        from assay.demo.templates import Grammar

        self._make = Grammar
        self._published = published
        self._words = words
        self._shared: dict[str, Grammar] = {}

    def of(self, block: Mapping[str, Any]) -> Any:
        kind = _kind(block)
        own_rules = block.get("expansion_rules", {})
        if not own_rules and kind in self._shared:
            return self._shared[kind]
        rules = {**self._published.get("expansion_rules", {}), **own_rules}
        grammar = self._make(rules, self._published["lists"], self._words.fillers(kind))
        if not own_rules:
            self._shared[kind] = grammar
        return grammar


def _kind(block: Mapping[str, Any]) -> str:
    """The kind of thing that a block's `{name}` is, or "" where it may be any."""
    for source in ("requires_context", "slots"):
        named = block.get(source, {}).get("domain")
        if named:
            return str(named if isinstance(named, str) else named[0])
    return ""


def encoded(rows: list[Row]) -> bytes:
    """Rows as JSON lines."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return "".join(f"{encode(row)}\n" for row in rows).encode()


def read_rows(path: Path) -> list[Row]:
    """The rows of a file of sentences."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    present = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    for path in present:
        if path.relative_to(folder).as_posix() not in files:
            os.unlink(path)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
