"""Contracts: infer a first one from data, check data against one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.core.progress import SILENT, Progress
from assay.errors import Conflict, InvalidInput, NotFound
from assay.settings import find_root, load

if TYPE_CHECKING:
    from assay.quality.infer import Inferred
    from assay.quality.model import Contract, ContractReport

FOLDER = "contracts"
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFile:
    """A contract with the file that it was read from and BLAKE3 of that file's bytes."""

    path: Path
    digest: bytes
    contract: Contract

    @property
    def base(self) -> Path:
        """The folder from which the contract's ``data`` counts."""
        folder = self.path.parent
        return folder.parent if folder.name == FOLDER else folder


def load_contract(name: str, *, start: str | os.PathLike[str] = ".") -> ContractFile:
    """The contract ``contracts/NAME.yaml`` of the project around ``start``, or a file's own path.

    Outside a project, ``contracts`` is looked for in ``start``.
    """
    from blake3 import blake3

    from assay.quality.files import MAX_FILE_BYTES, parse_contract

    path = _contract_path(name, Path(start))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFound(
            "contract-missing",
            f"There is no contract {name}.",
            why=f"{path}: {error.strerror}.",
            fix=f"Make one: `assay contract infer PATH -o {FOLDER}/NAME.yaml`.",
            paths=(str(path),),
        ) from None
    contract = parse_contract(data, os.path.relpath(path))
    return ContractFile(path=path, digest=blake3(data).digest(), contract=contract)


def _contract_path(name: str, start: Path) -> Path:
    if name.endswith(SUFFIXES):
        return Path(os.path.abspath(start / name))
    if not name or name.startswith(".") or any(char in name for char in "\\\0"):
        raise InvalidInput(
            "contract-name-invalid",
            f"{name!r} cannot name a contract.",
            why=f"A contract is called as its file in {FOLDER}/ is, without the ending.",
            fix="Name a contract, or the path of its file.",
        )
    found = find_root(start)
    folder = (found[0] if found else Path(os.path.abspath(start))) / FOLDER
    path = Path(os.path.normpath(folder / f"{name}.yaml"))
    if folder not in path.parents:
        raise InvalidInput(
            "contract-name-invalid",
            f"{name!r} leads out of {FOLDER}/.",
            fix="Name a contract, or the path of its file.",
        )
    return path


def check(
    contract: str | os.PathLike[str] | ContractFile,
    path: str | os.PathLike[str] | None = None,
    *,
    start: str | os.PathLike[str] = ".",
    timeout_seconds: float | None = None,
    progress: Progress = SILENT,
) -> ContractReport:
    """Judge a table, or a folder of tables, by a contract (a name, a file or one loaded).

    ``path`` counts from ``start``; without one, what the contract's ``data`` names is judged.
    The report's verdict is fail, inconclusive or pass; only a missing path, an unusable contract
    or a missing extra is an error.
    """
    from assay.quality.check import DEFAULT_LIMITS
    from assay.quality.check import check as check_data

    file = (
        contract
        if isinstance(contract, ContractFile)
        else load_contract(os.fspath(contract), start=start)
    )
    limits = DEFAULT_LIMITS
    if timeout_seconds is not None:
        limits = replace(limits, total_seconds=timeout_seconds)
    return check_data(
        file.contract,
        _data_path(file, path, start),
        contract_digest=file.digest,
        link_roots=_link_roots(Path(start)),
        limits=limits,
        progress=progress,
    )


def _data_path(
    file: ContractFile, path: str | os.PathLike[str] | None, start: str | os.PathLike[str]
) -> str:
    if path is not None:
        return os.path.join(start, path)
    if file.contract.data is None:
        raise InvalidInput(
            "contract-without-data",
            f"{file.path.name} does not say which data it is about.",
            fix="Name the data, or set `data:` in the contract.",
            paths=(str(file.path),),
        )
    return os.path.join(file.base, file.contract.data)


def _link_roots(start: Path) -> tuple[str, ...]:
    """Where links in a folder may lead: the project's cache holds the files of linked data."""
    found = find_root(start)
    if found is None:
        return ()
    return (str(load(*found).cache.dir),)


def infer(
    path: str | os.PathLike[str],
    *,
    start: str | os.PathLike[str] = ".",
    progress: Progress = SILENT,
) -> Inferred:
    """Propose a contract for a table or a folder of tables; nothing is written."""
    from assay.quality.infer import infer as infer_data

    place = os.path.join(start, path)
    found = find_root(Path(start))
    root = found[0] if found else Path(os.path.abspath(start))
    data = os.path.relpath(os.path.realpath(place), os.path.realpath(root))
    is_inside = data != os.pardir and not data.startswith(os.pardir + os.sep)
    return infer_data(
        place, data=data.replace(os.sep, "/") if is_inside else None, progress=progress
    )


def write(inferred: Inferred, out: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write a proposed contract to ``out``; an existing file only gives way to ``force``."""
    from assay.store.durable import make_folder, write_atomic

    target = os.path.abspath(out)
    if os.path.lexists(target) and not force:
        raise Conflict(
            "target-exists",
            f"{os.fspath(out)} exists already.",
            fix="Choose another place with -o, or replace it with --force.",
            paths=(target,),
        )
    make_folder(os.path.dirname(target))
    write_atomic(target, inferred.text)
    return Path(target)
