"""Where each key of a YAML mapping stands, so that an error can name file, line and key."""

from __future__ import annotations

from typing import Any

Path = tuple[str, ...]


def lines_of(data: bytes) -> tuple[dict[Path, int], tuple[Path, int] | None]:
    """Line of each key by its path, and the first key that is there twice.

    For text that :func:`assay.core.yaml_reader.read_mapping` has read already.
    """
    import yaml

    lines: dict[Path, int] = {}
    twice: list[tuple[Path, int]] = []
    # The fast loader refuses the odd bytes that the slow one takes.
    for loader in (getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader):
        try:
            node = yaml.compose(data.decode("utf-8"), Loader=loader)
        except yaml.YAMLError:
            continue
        _walk(node, (), lines, twice, depth=0)
        break
    return lines, twice[0] if twice else None


def _walk(
    node: Any, path: Path, lines: dict[Path, int], twice: list[tuple[Path, int]], *, depth: int
) -> None:
    if depth > 4 or not isinstance(getattr(node, "value", None), list):
        return
    for item in node.value:
        if not isinstance(item, tuple):
            continue
        name, value = item
        here = (*path, str(name.value))
        line = name.start_mark.line + 1
        if here in lines:
            twice.append((here, line))
        lines[here] = line
        _walk(value, here, lines, twice, depth=depth + 1)
