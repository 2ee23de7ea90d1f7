"""No order of pushes, readers and collectors loses an object that Git came to point to."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.errors import NotFound, Temporary
from assay.store.cache import Cache
from assay.store.remote.packed import collect, push, segments, sweep
from assay.store.remote.packed.collect import RemoteLook
from assay.store.remote.packed.index import RemoteView, object_key, tombstone_key
from assay.store.remote.packed.pins import DAY_NS, Pin
from assay.store.remote.packed.push import PackedPush
from assay.store.remote.packed.remote import PackedRemote
from assay.store.remote.packed.sweep import RemoteCollection
from assay.testing.objectstore_memory import Clock, MemoryStore
from remote_caches import BLOB, add_large, blobs, kinds, make_cache
from schedules import Act, Choose, Outcome, all_interruptions, interrupting, run_schedule

GRACE_NS = 14 * DAY_NS
Step = Callable[[str, str], None]


@dataclass
class World:
    """A remote, what Git points to, and the clones that push."""

    store: MemoryStore
    clock: Clock
    folder: Path
    git: dict[bytes, int] = field(default_factory=dict)

    def pusher(self, cache: Cache, wanted: dict[bytes, int]) -> Act:
        """Pushes, and only when that is done lets Git point to the objects."""

        def act(step: Step) -> None:
            remote = PackedRemote(self.store.watched(step))
            remote.push(cache, wanted, roots=list(wanted))
            self.git.update(wanted)

        return act

    def collector(self, *, grace_ns: int = GRACE_NS, times: int = 1, days_between: int = 0) -> Act:
        """Looks at Git, then collects; so some times, with days between."""

        def act(step: Step) -> None:
            for turn in range(times):
                if turn and days_between:
                    step("pass", f"{days_between} days")
                    self.clock.advance(days_between * DAY_NS)
                remote = PackedRemote(self.store.watched(step))
                step("look at", "git")
                remote.collect(dict(self.git), grace_ns=grace_ns, dry_run=False)

        return act

    def reader(self, times: int = 2) -> Act:
        """Reads everything that Git points to."""

        def act(step: Step) -> None:
            for _ in range(times):
                step("look at", "git")
                for digest, kind in list(self.git.items()):
                    read(PackedRemote(self.store.watched(step)), digest, kind)

        return act

    def time(self, *days: float) -> Act:
        """Lets time pass, some days at each step."""

        def act(step: Step) -> None:
            for each in days:
                step("pass", f"{each} days")
                self.clock.advance(round(each * DAY_NS))

        return act

    def lost(self) -> set[bytes]:
        """What Git points to and no reader can get any more."""
        lost = set()
        for digest, kind in self.git.items():
            try:
                read(PackedRemote(self.store), digest, kind)
            except NotFound:
                lost.add(digest)
        return lost


def read(remote: PackedRemote, digest: bytes, kind: int) -> bytes:
    """An object, packed or large, as a fetch would find it."""
    try:
        return remote.read_object(digest, kind)
    except NotFound:
        for _ in range(2):
            found = remote.index.load().large({digest}, tombstoned=True)
            key = found.get(digest, object_key(digest))
            try:
                return remote.store.get(key)
            except NotFound:
                continue
        raise


Scene = Callable[[Path], tuple[World, dict[str, Act]]]


def a_world(folder: Path) -> World:
    clock = Clock()
    return World(store=MemoryStore(clock), clock=clock, folder=folder)


class Clones:
    """Caches that many schedules may read, because pushes only read them."""

    def __init__(self, folder: Path) -> None:
        self.old, self.new, self.other = (blobs(2, seed=n) for n in range(3))
        self.a = make_cache(folder / "a", self.old, self.new)
        self.b = make_cache(folder / "b", {**self.old, **self.other})
        self.large = add_large(self.a)
        with self.b.writing():
            add_large(self.b)


@pytest.fixture(autouse=True)
def busy_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments are merged whenever there are two, and nothing is flushed: no power fails here."""
    monkeypatch.setattr(segments, "MERGE_ABOVE", 2)
    monkeypatch.setattr(os, "fsync", lambda fd: None)


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> Clones:
    return Clones(tmp_path_factory.mktemp("clones"))


def with_garbage(world: World, clones: Clones, *, condemned: bool) -> None:
    """A remote with objects that Git no longer needs, which somebody pushes again."""
    wanted = {**kinds(clones.old), clones.large: BLOB}
    PackedRemote(world.store).push(clones.a, wanted, roots=[])
    world.clock.advance(40 * DAY_NS)
    if condemned:
        PackedRemote(world.store).collect({}, grace_ns=GRACE_NS, dry_run=False)
        world.clock.advance(GRACE_NS + DAY_NS)


def scene_push_beside_first_look(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    world = a_world(folder)
    with_garbage(world, clones, condemned=False)
    wanted = {**kinds(clones.old, clones.new), clones.large: BLOB}
    return world, {
        "push": world.pusher(clones.a, wanted),
        "gc": world.collector(times=2),
        "time": world.time(15),
    }


def scene_push_beside_sweep(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    world = a_world(folder)
    with_garbage(world, clones, condemned=True)
    wanted = {**kinds(clones.old, clones.new), clones.large: BLOB}
    return world, {
        "push": world.pusher(clones.a, wanted),
        "gc": world.collector(),
    }


def scene_two_pushes_and_sweep(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    world = a_world(folder)
    with_garbage(world, clones, condemned=True)
    return world, {
        "a": world.pusher(clones.a, {**kinds(clones.old), clones.large: BLOB}),
        "b": world.pusher(clones.b, {**kinds(clones.old, clones.other), clones.large: BLOB}),
        "gc": world.collector(),
    }


def scene_at_once(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    world = a_world(folder)
    with_garbage(world, clones, condemned=False)
    return world, {
        "push": world.pusher(clones.a, {**kinds(clones.old, clones.new), clones.large: BLOB}),
        "gc": world.collector(grace_ns=0),
    }


def scene_two_collectors(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    world = a_world(folder)
    with_garbage(world, clones, condemned=True)
    return world, {
        "push": world.pusher(clones.a, {**kinds(clones.old, clones.new), clones.large: BLOB}),
        "gc": world.collector(),
        "gc2": world.collector(),
    }


def scene_thin_pack(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    """Git needs one object of a pack; a push relies on the other ones."""
    world = a_world(folder)
    both = {**kinds(clones.old, clones.other), clones.large: BLOB}
    PackedRemote(world.store).push(clones.b, both, roots=[])
    kept = min(
        both.keys() - {clones.large}, key=lambda digest: len({**clones.old, **clones.other}[digest])
    )
    world.git[kept] = BLOB
    world.clock.advance(40 * DAY_NS)
    return world, {
        "push": world.pusher(clones.b, both),
        "gc": world.collector(times=2),
        "time": world.time(15),
    }


def scene_reader_beside_sweep(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    """What was condemned while nobody needed it is needed again, and moves under the reader."""
    world = a_world(folder)
    with_garbage(world, clones, condemned=True)
    world.git.update({**kinds(clones.old), clones.large: BLOB})
    return world, {"gc": world.collector(), "read": world.reader(times=1)}


def scene_slow_push(clones: Clones, folder: Path) -> tuple[World, dict[str, Act]]:
    """The laptop sleeps for longer than a pin lives."""
    world = a_world(folder)
    with_garbage(world, clones, condemned=False)
    return world, {
        "push": world.pusher(clones.a, {**kinds(clones.old, clones.new), clones.large: BLOB}),
        "gc": world.collector(times=3, days_between=15),
    }


SCENES = {
    name.removeprefix("scene_"): scene
    for name, scene in list(globals().items())
    if name.startswith("scene_")
}


def check(world: World, outcome: Outcome) -> None:
    """Nothing is lost, now or after the collections that follow."""
    unexpected = {n: e for n, e in outcome.errors.items() if not isinstance(e, Temporary)}
    assert not unexpected, str(outcome)
    assert not world.lost(), f"at once:\n{outcome}"
    for _ in range(3):
        world.clock.advance(GRACE_NS + DAY_NS)
        PackedRemote(world.store).collect(dict(world.git), grace_ns=GRACE_NS, dry_run=False)
    assert not world.lost(), f"in the end:\n{outcome}"


def play(scene: Any, clones: Clones, folder: Path, choose: Choose) -> Outcome:
    world, acts = scene(clones, folder)
    outcome = run_schedule(acts, choose)
    check(world, outcome)
    return outcome


def explore(scene: Any, clones: Clones, folder: Path, *, most: int, stride: int = 1) -> int:
    """Play a scene with every way to switch up to ``most`` times; how many there were."""
    _, acts = scene(clones, folder)
    length = len(run_schedule(acts, interrupting({})).steps)
    count = 0
    for at, switches in enumerate(all_interruptions(list(acts), length, most)):
        if at % stride == 0:
            play(scene, clones, folder, interrupting(switches))
            count += 1
    return count


@pytest.mark.parametrize("name", SCENES)
def test_no_single_interruption_loses_anything(name: str, clones: Clones, tmp_path: Path) -> None:
    assert explore(SCENES[name], clones, tmp_path, most=1, stride=3) > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_no_interruption_at_any_step_loses_anything(
    name: str, clones: Clones, tmp_path: Path
) -> None:
    assert explore(SCENES[name], clones, tmp_path, most=1) > 50


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_no_two_interruptions_lose_anything(name: str, clones: Clones, tmp_path: Path) -> None:
    # All of them would take an hour.  37 divides no scene's length, so every step has its turn.
    assert explore(SCENES[name], clones, tmp_path, most=2, stride=37) > 50


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(SCENES)), seed=st.integers(0, 2**32), restlessness=st.floats(0, 1)
)
def test_no_random_order_loses_anything(
    name: str, seed: int, restlessness: float, clones: Clones, tmp_path: Path
) -> None:
    play(SCENES[name], clones, tmp_path, at_random(seed, restlessness))


def at_random(seed: int, restlessness: float) -> Choose:
    """Switch to any other actor with some chance at each step."""
    chance = random.Random(seed)
    current = ""

    def choose(ready: list[str], step: int) -> str:
        nonlocal current
        if current not in ready or chance.random() < restlessness:
            current = chance.choice(ready)
        return current

    return choose


# -- the simulation has teeth: without any one of the rules it finds a loss ------------------


def without_a_second_look(patch: pytest.MonkeyPatch) -> None:
    def run(self: PackedPush, pin: Pin) -> Any:
        view = self.index.load()
        relied, left = self._split(view)
        packs, large = self._plan(view, left)
        pin.cover(relied, (up.key for up in packs), (up.key for up in large))
        self._upload(view, packs, large, pin)
        self._publish(self.index.load())
        return self._report()

    patch.setattr(PackedPush, "_run_pinned", run)


def without_heeding_pins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sweep, "read_pins", lambda *_, **__: ([], []))


def with_dead_names_used_again(patch: pytest.MonkeyPatch) -> None:
    large = RemoteView.large
    patch.setattr(RemoteView, "large", lambda *given, **_: large(*given, tombstoned=True))
    patch.setattr(push, "avoiding", lambda plan, avoid: plan)
    patch.setattr(push, "_large_key", lambda view, digest: object_key(digest))
    patch.setattr(push, "_is_there", lambda view, pack_id: pack_id in view.packs)


def without_rescue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(collect, "_homeless", lambda *_: {})


def without_rehoming(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(collect, "_homeless_large", lambda *_: ())


def with_pins_that_never_age(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pin, "_require_alive", lambda self, now_ns: None)
    patch.setattr(Pin, "require_alive", lambda self: None)


def with_tombstones_gone_at_once(patch: pytest.MonkeyPatch) -> None:
    delete = RemoteCollection._delete

    def forgetful(self: RemoteCollection, look: RemoteLook, sweep: list[str], plan: Any) -> None:
        delete(self, look, sweep, plan)
        for key in sweep:
            self.store.delete(tombstone_key(key))

    patch.setattr(RemoteCollection, "_delete", forgetful)


@pytest.mark.parametrize(
    ("rule", "scene"),
    [
        (without_a_second_look, scene_push_beside_first_look),
        (without_heeding_pins, scene_at_once),
        (with_dead_names_used_again, scene_push_beside_sweep),
        (without_rescue, scene_push_beside_first_look),
        (without_rehoming, scene_push_beside_first_look),
        (with_pins_that_never_age, scene_slow_push),
        (with_tombstones_gone_at_once, scene_two_collectors),
    ],
)
def test_without_any_one_rule_something_is_lost(
    rule: Any, scene: Any, clones: Clones, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(monkeypatch)
    with pytest.raises(AssertionError, match=r"at once|in the end"):
        search(scene, clones, tmp_path)


def search(scene: Any, clones: Clones, folder: Path) -> None:
    """Play single interruptions, then random orders."""
    explore(scene, clones, folder, most=1)
    for seed in range(1000):
        play(scene, clones, folder, at_random(seed, 0.05 + seed % 10 / 20))
