"""Which remote a URL and a layout mean."""

from __future__ import annotations

import os

from assay.errors import InvalidInput
from assay.store.objectstore.port import ObjectStore
from assay.store.remote.port import Remote

LAYOUTS = ("packed", "plain")


def open_store(url: str) -> ObjectStore:
    """The object store behind ``url``: a path or ``file://`` (absolute by now)."""
    from assay.store.objectstore.local import LocalStore

    scheme, separator, rest = url.partition("://")
    if not separator:
        return LocalStore(url)
    if scheme == "file":
        from urllib.parse import unquote

        return LocalStore(unquote(rest.removeprefix("localhost")))
    raise InvalidInput(
        "remote-url-unknown",
        f"The remote url {url!r} is of a kind that is not known here.",
        why="Remotes are folders: a path, or file:///path.",
        fix="Correct it: `assay remote modify NAME url PATH`.",
    )


def open_remote(url: str, *, layout: str = "packed", state_dir: str | None = None) -> Remote:
    """The remote at ``url``.  Nothing is read or made before it is used.

    ``state_dir``: a folder of this remote's own for what saves asking again; disposable.
    """
    store = open_store(url)
    if layout == "packed":
        from assay.store.remote.packed.remote import PackedRemote

        return PackedRemote(store, state_dir=state_dir)
    if layout == "plain":
        from assay.store.remote.plain.remote import PlainRemote

        return PlainRemote(store, state_dir=state_dir)
    raise InvalidInput(
        "remote-layout-unknown",
        f"{layout!r} is not a layout of remotes.",
        why=f"There are {' and '.join(LAYOUTS)}.",
        fix="Correct it: `assay remote modify NAME layout packed`.",
    )


def is_local_url(url: str) -> bool:
    """Whether a remote's url names a folder of this machine, mounted ones included."""
    return "://" not in url or url.startswith("file://") or os.path.isabs(url)
