"""Layered configuration: the one module beside the CLI that reads the environment."""

from __future__ import annotations

from assay.settings.foreign import CommittedRemotes, cache_folder, committed_remotes
from assay.settings.keys import KEYS, Key, KeyPath, Unsuitable, find_key, name_of, path_of
from assay.settings.layers import Layer, change, read_layers
from assay.settings.levels import (
    LEVELS,
    LevelFile,
    current_environment,
    default_key,
    find_root,
    level_files,
    no_project,
    require_root,
    state_folder,
)
from assay.settings.model import (
    CacheSettings,
    CoreSettings,
    ReleaseSettings,
    RemoteSettings,
    Settings,
    Value,
    is_address,
    load,
    signing_key,
    store_location,
    trusted_root,
    unknown_remote,
    values_of,
)

__all__ = [
    "KEYS",
    "LEVELS",
    "CacheSettings",
    "CommittedRemotes",
    "CoreSettings",
    "Key",
    "KeyPath",
    "Layer",
    "LevelFile",
    "ReleaseSettings",
    "RemoteSettings",
    "Settings",
    "Unsuitable",
    "Value",
    "cache_folder",
    "change",
    "committed_remotes",
    "current_environment",
    "default_key",
    "find_key",
    "find_root",
    "is_address",
    "level_files",
    "load",
    "name_of",
    "no_project",
    "path_of",
    "read_layers",
    "require_root",
    "signing_key",
    "state_folder",
    "store_location",
    "trusted_root",
    "unknown_remote",
    "values_of",
]
