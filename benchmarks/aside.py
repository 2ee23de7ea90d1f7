"""Runs a job in a short-lived process, so that its memory does not become the runner's."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_own_process(job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of ``job``.

    The kernel reports the peak memory of a child as no less than what its parent had reached when
    the child was started: a runner that has once listed a million names would blur every peak
    that it measures afterwards.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(job, *args, **kwargs).result()
