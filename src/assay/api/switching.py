"""The verb that writes the workspace: checkout, planned whole before the first file changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.api.context import Context
from assay.core.manifest import EMPTY, Manifest
from assay.data.checkout import CheckoutOutcome, apply_checkout
from assay.data.checkout_plan import CheckoutPlan, plan_checkout, refuse_unsaved
from assay.data.leftovers import clear_scratch, scratch_in
from assay.data.model import Heal, Tracked, printable
from assay.data.outputs import Selection
from assay.data.relink import relink
from assay.data.scan import ABSENT, PathState
from assay.data.status import recorded_manifest
from assay.data.survey import survey
from assay.data.transfer import complete_manifest, healer, require_recorded
from assay.errors import AssayError, IntegrityError, NotFound


@dataclass(kw_only=True)
class CheckoutResult:
    """What a checkout did, by tracked path; ``missing`` could not be written."""

    added: list[str] = field(default_factory=list)
    modified: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    files_written: int = 0
    missing: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    trash_ids: list[str] = field(default_factory=list)
    plans: list[CheckoutPlan] = field(default_factory=list)
    errors: list[AssayError] = field(default_factory=list)


def checkout(
    context: Context,
    targets: list[str],
    *,
    force: bool = False,
    relinking: bool = False,
    allow_missing: bool = False,
    dry_run: bool = False,
    heal: bool = True,
) -> CheckoutResult:
    """Make the selected paths hold what their pointers record.

    Everything is planned, and unsaved work refused, before the first file changes.
    """
    with context.changing():
        return _checkout(
            context, context.selected(targets), force, relinking, allow_missing, dry_run, heal
        )


def _checkout(
    context: Context,
    selections: list[Selection],
    force: bool,
    relinking: bool,
    allow_missing: bool,
    dry_run: bool,
    heal: bool,
) -> CheckoutResult:
    result = CheckoutResult()
    steps: list[tuple[Selection, PathState, CheckoutPlan]] = []
    for selection in selections:
        step = _plan(context, selection, result)
        if step is not None:
            steps.append(step)
    result.plans = [plan for _, _, plan in steps]
    if not force:
        refuse_unsaved(result.plans)
    if not dry_run:
        _clear_scratch(context, steps)
    for selection, state, plan in steps:
        _note(result, selection, state, plan)
        if not dry_run:
            _apply(context, state, plan, result, heal, relinking)
    if not allow_missing:
        _raise_failures(result)
    return result


def _clear_scratch(
    context: Context, steps: list[tuple[Selection, PathState, CheckoutPlan]]
) -> None:
    """What an earlier checkout left unfinished goes, in tracked folders and beside them."""
    root = context.workspace.root
    left = [path for _, state, _ in steps for path in state.scratch]
    beside = {state.path.rpartition(b"/")[0] for _, state, _ in steps}
    left += [path for folder in beside for path in scratch_in(root, folder)]
    if left:
        clear_scratch(root, left)


def _plan(
    context: Context, selection: Selection, result: CheckoutResult
) -> tuple[Selection, PathState, CheckoutPlan] | None:
    tracked = selection.tracked
    if tracked.output.digest is None or not tracked.output.is_cached:
        return None
    workspace = context.workspace
    state = survey(workspace, tracked.path, progress=context.progress)
    require_recorded(context.cache, selection)
    # Same digest, same kind: nothing to compare, whatever the size.
    if _is_current(state, tracked):
        return selection, state, _nothing(state, tracked)
    try:
        target = _target(context, selection, result)
    except (NotFound, IntegrityError) as error:
        if error.code not in ("object-missing", "object-damaged"):
            raise
        result.missing.append(tracked.name)
        result.errors.append(error)
        return None
    plan = plan_checkout(
        workspace,
        state,
        target,
        tracked.output.digest,
        is_file=not tracked.output.is_folder,
        inside=selection.inside,
    )
    return selection, state, plan


def _target(context: Context, selection: Selection, result: CheckoutResult) -> Manifest:
    """What the path should hold, after healing the manifest from the remotes where need be."""
    complete_manifest(context.cache, selection, context_heal(context, result))
    require_recorded(context.cache, selection)
    return recorded_manifest(context.workspace, selection.tracked, selection.inside)


def _is_current(state: PathState, tracked: Tracked) -> bool:
    output = tracked.output
    if state.kind == ABSENT or state.digest != output.digest:
        return False
    if state.kind == "folder":
        return output.is_folder
    return not output.is_folder and state.is_executable == output.is_executable


def _nothing(state: PathState, tracked: Tracked) -> CheckoutPlan:
    return CheckoutPlan(
        top=state.path,
        write=EMPTY,
        target_digest=tracked.root_digest,
        is_file=not tracked.output.is_folder,
        replaces={},
        remove={},
        chmod=[],
        make_folders=[],
        drop_folders=[],
        unsaved=[],
        added=[],
        modified=[],
        deleted=[],
    )


def context_heal(context: Context, result: CheckoutResult) -> Heal:
    """A healer that notes in ``result`` what it could and could not mend."""

    def note(digest: bytes, is_good: bool) -> None:
        (result.healed if is_good else result.damaged).append(digest.hex())

    return healer(context.cache, context.usable_remotes, note, progress=context.progress)


def _note(
    result: CheckoutResult, selection: Selection, state: PathState, plan: CheckoutPlan
) -> None:
    if plan.is_empty:
        return
    name = selection.tracked.name + ("/" if selection.tracked.output.is_folder else "")
    (result.added if state.kind == ABSENT else result.modified).append(name)


def _apply(
    context: Context,
    state: PathState,
    plan: CheckoutPlan,
    result: CheckoutResult,
    heal: bool,
    relinking: bool,
) -> None:
    if relinking:
        result.files_written += relink(context.workspace, state, progress=context.progress)
    if plan.is_empty:
        return
    outcome: CheckoutOutcome = apply_checkout(
        context.workspace,
        state,
        plan,
        trash=context.trash,
        now_ns=context.clock(),
        heal=context_heal(context, result) if heal else None,
        progress=context.progress,
    )
    result.files_written += outcome.written
    if outcome.trash_id:
        result.trash_ids.append(outcome.trash_id)
    for path, error in outcome.failed.items():
        result.missing.append(printable(path))
        result.errors.append(error)


def _raise_failures(result: CheckoutResult) -> None:
    """One error for everything that could not be written, in the class of the worst."""
    if not result.errors:
        return
    worst = max(result.errors, key=lambda error: error.exit_code)
    shown = ", ".join(result.missing[:10])
    more = f" and {len(result.missing) - 10} more" if len(result.missing) > 10 else ""
    kind = type(worst)
    raise kind(
        "checkout-incomplete",
        f"{len(result.missing)} path(s) could not be written: {shown}{more}.",
        why=worst.what,
        fix=worst.fix,
        paths=tuple(result.missing),
    )
