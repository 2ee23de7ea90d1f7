"""Whatever bytes a pipeline's files hold, reading them gives a value or an error that helps."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from any_bytes import texts, value_or_error
from assay.core.dialect import NATIVE
from assay.pipelines.checks import read_answer
from assay.pipelines.files import read_pipeline
from assay.pipelines.lock import read_entry, read_lock
from assay.pipelines.model import Check
from assay.pipelines.params import parse_params

DIGEST = "ab" * 32
PARTS = texts(
    """stages:@
@
  a:@
    @
  b:@
persist: 1@cmd: x@cmd: [x, y]@deps: @outs: @params: @checks: @metrics: @plots: @wdir: @frozen: @
name: @on: @command: @contract: @timeout: @cache: false@x-y: @vars: @releases: @lr@params.yaml: @
[@]@{@}@- @  @a@../a@/@~@1@1.5@true@.nan@'@"@: @, @&a @*a@<<: @!!int @\\ud800@\x80@#"""
)
PIPELINES = (
    PARTS
    | PARTS.map(lambda more: b"stages:\n  a:\n    cmd: x\n    " + more)
    | PARTS.map(lambda more: b"stages:\n  a:\n    cmd: x\n    outs:\n    - " + more)
    | st.binary(max_size=80)
)


@given(PIPELINES)
def test_any_bytes_are_a_pipeline_or_an_error(data: bytes) -> None:
    value_or_error(
        lambda: read_pipeline(data, path=b"sub/assay.yaml", protected=(b".gitignore",)),
        "pipeline-",
        names="sub/assay.yaml",
    )


LOCKED = texts(
    f"""schema: '2.0'
@stages:@
@
  a:@
    @
    - @
      @cmd: x@deps:@outs:@params:@path: @hash: blake3@hash: md5@blake3: {DIGEST}@
blake3: {DIGEST}.dir@md5: @size: @nfiles: @isexec: true@params.yaml: @lr: @
a@../b@-1@1@1e9@true@~@[@]@{{@}}@: @, @'@&a @*a@\x80"""
)
LOCK_START = f"cmd: x\nouts:\n- path: a\n  hash: blake3\n  blake3: {DIGEST}\n  size: "


@given(
    LOCKED
    | LOCKED.map(lambda more: b"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n" + more)
    | st.binary(max_size=80)
)
def test_any_bytes_are_a_lock_or_an_error(data: bytes) -> None:
    value_or_error(
        lambda: read_lock(data, path=b"assay.lock", dialect=NATIVE), "lock-", names="assay.lock"
    )


@given(LOCKED | LOCKED.map(lambda more: LOCK_START.encode() + more) | st.binary(max_size=80))
def test_any_bytes_are_an_entry_of_the_run_cache_or_an_error(data: bytes) -> None:
    value_or_error(lambda: read_entry(data, path="runs/x", dialect=NATIVE), "lock-", names="runs/x")


PARAMS = texts(
    """a@ = @: @
@
  @1@1.5@-@'@"@\"\"\"@[@]@{@}@, @class A:@(@)@b@.c@true@True@null@[[a]]@1979-05-27@NaN@Infinity@
[a]@1e999@#@\\d@\\ud800@\x80@\0@~@- @*a@&a @{1, 'a'}@1 if b else 2"""
)


@pytest.mark.parametrize("ending", ["yaml", "json", "toml", "py", "unknown"])
@given(data=PARAMS | st.binary(max_size=60))
@example(data=b"a = '\\d'\n")
@example(data=b"[" * 100_000)
@example(data=b"a=" + b"(" * 5_000)
@example(data=b'{"a": ' + b"1" * 5_000 + b"}")
@example(data=b"a = {1, 'b'}\n")
def test_any_bytes_are_parameters_or_an_error(ending: str, data: bytes) -> None:
    name = f"p.{ending}"
    values = value_or_error(lambda: parse_params(data, name=name), "params-invalid", names=name)
    assert values is None or isinstance(values, dict)


ANSWERS = texts(
    """{@}@"verdict": "pass"@"verdict": "fail"@, @"value": @"limit": @"detail": @1@1e999@NaN@
@[@]@null@"x"@\x80@text"""
)


@given(code=st.integers(-15, 255), answer=ANSWERS | st.binary(max_size=60))
@example(code=0, answer=b'{"verdict": "pass", "value": ' + b"[" * 100_000)
def test_any_output_of_a_check_is_a_verdict_and_none_passes_that_failed(
    code: int, answer: bytes
) -> None:
    verdict = read_answer(Check(name="c", on="", command="x"), code, answer)
    assert verdict.verdict in ("pass", "fail", "inconclusive")
    assert verdict.verdict != "pass" or code == 0
