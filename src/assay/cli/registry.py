"""The table of commands: path, module and one line of summary, readable without importing any."""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "init": "Begin an assay project in a folder.",
    "add": "Track files and folders.",
    "status": "Show what changed since it was tracked, or against a remote.",
    "data status": "Show what changed between the commit, the pointers and the files.",
    "diff": "Compare tracked data between revisions, or with the workspace.",
    "commit": "Record changed data in its pointers.",
    "checkout": "Make the workspace match the pointers.",
    "push": "Send objects to a remote.",
    "fetch": "Bring objects from a remote into the cache.",
    "pull": "Fetch, then check out.",
    "repro": "Run the stages of a pipeline that changed.",
    "dag": "Show which stage reads from which.",
    "stage list": "List the stages of the pipelines.",
    "runs list": "List what stages ran here, newest first.",
    "runs show": "Show one run: commit, inputs, outputs, parameters, times, checks.",
    "release create": "Bind data, prompts, model and parameters to the current commit.",
    "release list": "List releases, their gates and the channels that serve them.",
    "release show": "Show one release: what it binds, its evidence, where it was served.",
    "release verify": "Verify a release as a consumer would, every byte included.",
    "release get": "Take exactly one release, verified before the first byte is usable.",
    "gate run": "Judge a release by its gates and record the verdicts.",
    "promote": "Let a channel serve a release that passed its gates.",
    "rollback": "Let a channel serve again what it served before.",
    "quarantine": "Forbid a release everywhere.",
    "trace": "Trace an output, a file or a release to what made it.",
    "policy init": "Begin a trust policy, with a key to sign by.",
    "policy sign": "Bring an edited policy into force.",
    "policy show": "Show whose signature counts for what.",
    "remote add": "Name a remote.",
    "remote modify": "Change or unset an option of a remote.",
    "remote list": "List the remotes.",
    "remote default": "Show, set or unset the default remote.",
    "remote rename": "Give a remote another name.",
    "remote remove": "Forget a remote; what it stores stays.",
    "config": "Get, set and unset options.",
    "cache dir": "Show, set or unset where the cache is.",
    "verify": "Check the workspace, the cache or a remote against their digests.",
    "gc": "Delete objects that nothing needs.",
    "get": "Download tracked data from another repository.",
    "ls": "List what a repository holds, tracked data included.",
    "unprotect": "Make files independent of the cache, so that they can be edited.",
    "check-ignore": "Tell which paths are ignored, and by which line.",
    "root": "Print the path of the project's top folder.",
    "trash list": "List what commands displaced from the workspace.",
    "trash restore": "Bring displaced files back.",
    "undo": "Bring back what the last command displaced.",
    "doctor": "Report versions, capabilities and problems of this machine and project.",
    "contract infer": "Propose a contract for data.",
    "contract check": "Judge data by a contract.",
    "completion": "Print a completion script for a shell.",
    "demo": "Version a real data set from end to end in a fresh folder.",
}
"""Every command by its path; the words of the path are the path of its module."""

GROUPS: dict[str, str] = {
    "data": "What changed, in detail.",
    "remote": "Set up where data is shared.",
    "cache": "Where this machine keeps objects.",
    "trash": "What commands displaced.",
    "stage": "The stages of pipelines.",
    "contract": "What data must look like.",
    "runs": "What stages ran, and on what.",
    "release": "What is bound together, proven and served.",
    "gate": "What a release must pass.",
    "policy": "Who may do what.",
}
"""The words that only begin a command."""

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Begin", ("init", "demo", "doctor")),
    ("Track data", ("add", "status", "data status", "diff", "commit", "checkout", "unprotect")),
    ("Run pipelines", ("repro", "dag", "stage list", "runs list", "runs show")),
    (
        "Release",
        (
            *("release create", "gate run", "promote", "rollback", "quarantine"),
            *("release list", "release show", "release verify", "release get", "trace"),
            *("policy init", "policy sign", "policy show"),
        ),
    ),
    ("Share data", ("push", "fetch", "pull", "get", "ls")),
    (
        "Set up",
        (
            *("remote add", "remote modify", "remote list", "remote default"),
            *("remote rename", "remote remove", "config", "cache dir"),
        ),
    ),
    (
        "Keep safe",
        ("verify", "gc", "undo", "trash list", "trash restore"),
    ),
    ("Judge data", ("contract infer", "contract check")),
    ("Look around", ("root", "check-ignore", "completion")),
)
"""How `assay --help` groups the commands."""

ALIASES: dict[str, str] = {"list": "ls"}
"""Other words for a command, as DVC's users know them."""


def module_of(command: str) -> str:
    """The name of the module that holds a command."""
    words = command.replace("-", "_").split(" ")
    return ".".join(("assay.cli.commands", *words))


def find(words: list[str]) -> tuple[str, int]:
    """The command that ``words`` begin with, and how many of them name it.

    An empty command, with the number of words that are a group, where there is none.
    """
    if len(words) > 1 and f"{words[0]} {words[1]}" in COMMANDS:
        return f"{words[0]} {words[1]}", 2
    if words and words[0] not in GROUPS:
        command = ALIASES.get(words[0], words[0])
        if command in COMMANDS:
            return command, 1
    return "", int(bool(words) and words[0] in GROUPS)


def subcommands(group: str) -> list[str]:
    """The commands of a group, by path."""
    return [command for command in COMMANDS if command.startswith(f"{group} ")]
