"""What `repro` runs, records, restores and leaves behind, through real commands and real Git."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3

from projects import Project, clone


def ran(text: str) -> list[str]:
    """The stages that a transcript says were run."""
    lines = [line for line in text.splitlines() if line.startswith("Running stage '")]
    return [line.split("'")[1] for line in lines]


def hex_of(data: bytes) -> str:
    return blake3(data).hexdigest()


def test_the_lock_has_dvcs_layout_to_the_byte(piped: Project) -> None:
    piped.assay("repro")
    prep, params, metrics = b"raw\n", b"lr: 0.1\n", b'{"acc":1}\n'
    model = prep + params
    assert (
        piped.read("assay.lock").decode()
        == f"""\
schema: '2.0'
stages:
  prep:
    cmd: cat raw.txt > prep.txt
    deps:
    - path: raw.txt
      hash: blake3
      blake3: {hex_of(prep)}
      size: 4
    outs:
    - path: prep.txt
      hash: blake3
      blake3: {hex_of(prep)}
      size: 4
  train:
    cmd: cat prep.txt params.yaml > model.bin && echo '{{"acc":1}}' > metrics.json
    deps:
    - path: prep.txt
      hash: blake3
      blake3: {hex_of(prep)}
      size: 4
    params:
      params.yaml:
        lr: 0.1
    outs:
    - path: metrics.json
      hash: blake3
      blake3: {hex_of(metrics)}
      size: {len(metrics)}
    - path: model.bin
      hash: blake3
      blake3: {hex_of(model)}
      size: {len(model)}
"""
    )


def test_what_stages_make_is_clean_ignored_and_not_run_again(piped: Project) -> None:
    assert ran(piped.assay("repro").stdout) == ["prep", "train"]
    assert piped.assay("status", "--json").json() == {}
    assert "/model.bin" in piped.read(".gitignore").decode()
    assert "metrics.json" not in piped.read(".gitignore").decode()
    lock = (piped.root / "assay.lock").stat().st_mtime_ns
    again = piped.assay("repro")
    assert ran(again.stdout) == []
    assert "Stage 'train' didn't change, skipping" in again.stdout
    assert "Data and pipelines are up to date." in again.stdout
    assert (piped.root / "assay.lock").stat().st_mtime_ns == lock


def test_status_has_dvcs_shape_for_stages(piped: Project) -> None:
    piped.assay("repro")
    piped.write({"params.yaml": "lr: 0.2\n"})
    piped.remove("model.bin")
    assert piped.assay("status", "--json").json() == {
        "train": [
            {"changed deps": {"params.yaml": {"lr": "modified"}}},
            {"changed outs": {"model.bin": "deleted"}},
        ]
    }
    text = (piped.root / "assay.yaml").read_text().replace("cat raw.txt >", "cat  raw.txt >")
    piped.write({"assay.yaml": text})
    assert piped.assay("status", "prep", "--json").json() == {"prep": ["changed command"]}


def test_only_the_stage_whose_parameter_changed_runs(piped: Project) -> None:
    piped.assay("repro")
    piped.write({"params.yaml": "lr: 0.2\nother: 1\n"})
    assert ran(piped.assay("repro").stdout) == ["train"]
    piped.write({"params.yaml": "lr: 0.2\nother: 2\n"})
    assert ran(piped.assay("repro").stdout) == []


def test_a_clone_that_pulled_has_nothing_to_run(piped: Project, tmp_path: Path) -> None:
    piped.assay("repro")
    piped.commit("ran")
    piped.assay("push")
    copy = clone(piped, tmp_path / "copy")
    copy.assay("pull")
    assert copy.read("model.bin") == b"raw\nlr: 0.1\n"
    outcome = copy.assay("repro")
    assert "Data and pipelines are up to date." in outcome.stdout
    assert copy.git("status", "--short") == b""


def test_the_run_cache_gives_back_what_ran_before(piped: Project) -> None:
    piped.assay("repro")
    piped.write({"params.yaml": "lr: 0.2\n"})
    piped.assay("repro")
    piped.write({"params.yaml": "lr: 0.1\n"})
    outcome = piped.assay("repro")
    assert "Stage 'train' is cached - skipping run, checking out outputs" in outcome.stdout
    assert piped.read("model.bin") == b"raw\nlr: 0.1\n"
    assert ran(piped.assay("repro", "--force").stdout) == ["prep", "train"]
    piped.write({"params.yaml": "lr: 0.2\n"})
    assert ran(piped.assay("repro", "--no-run-cache").stdout) == ["train"]


def test_targets_bring_what_they_need_unless_alone(piped: Project) -> None:
    assert ran(piped.assay("repro", "prep").stdout) == ["prep"]
    piped.write({"raw.txt": "new\n"})
    assert ran(piped.assay("repro", "model.bin").stdout) == ["prep", "train"]
    assert ran(piped.assay("repro", "-f", "-s", "train").stdout) == ["train"]
    assert "stage-unknown" in piped.assay("repro", "nope", exit_code=3).stderr


def test_dry_runs_nothing_and_says_why(piped: Project) -> None:
    answer = piped.assay("repro", "--dry", "--json").json()
    assert [stage["outcome"] for stage in answer["stages"]] == ["would run", "would run"]
    assert "stage 'prep' runs before it" in answer["stages"][1]["reasons"]
    assert not (piped.root / "prep.txt").exists()
    assert not (piped.root / "assay.lock").exists()


def test_a_failed_stage_leaves_earlier_ones_recorded_and_ignored(piped: Project) -> None:
    text = (piped.root / "assay.yaml").read_text().replace("cmd: cat prep", "cmd: exit 3; cat prep")
    piped.write({"assay.yaml": text})
    outcome = piped.assay("repro", "--json", exit_code=8)
    error = outcome.json()["error"]
    assert error["code"] == "stage-failed"
    assert "'train'" in error["what"]
    assert "exit code 3" in error["what"]
    assert (piped.root / error["paths"][0]).read_text().startswith("> exit 3; cat prep")
    assert b"prep.txt" not in piped.git("status", "--short", "--untracked-files=all")
    assert "  prep:" in piped.read("assay.lock").decode()
    assert piped.assay("runs", "list", "--json").json()[0]["outcome"] == "failed"


def test_an_output_that_was_not_written_is_named(project: Project) -> None:
    project.write({"assay.yaml": "stages:\n  a:\n    cmd: 'true'\n    outs: [x, y]\n"})
    assert "did not write x, y" in project.assay("repro", exit_code=8).stderr
    assert not (project.root / "assay.lock").exists()


def test_outputs_go_before_a_run_unless_they_persist(project: Project) -> None:
    project.write(
        {
            "assay.yaml": "stages:\n  a:\n    cmd: echo 1 >> gone; echo 1 >> kept\n    outs:\n"
            "    - gone\n    - kept:\n        persist: true\n"
        }
    )
    project.assay("repro")
    project.assay("repro", "-f")
    assert project.read("gone") == b"1\n"
    assert project.read("kept") == b"1\n1\n"


def test_work_in_the_place_of_an_output_goes_to_the_trash(piped: Project) -> None:
    piped.write({"model.bin": "mine"})
    piped.assay("repro")
    assert piped.assay("trash", "list", "--json").json()[0]["command"] == "repro"


def test_inputs_are_verified_before_the_first_stage_starts(piped: Project) -> None:
    piped.remove("raw.txt")
    assert "stage-input-missing" in piped.assay("repro", exit_code=3).stderr
    piped.write({"raw.txt": "raw\n"})
    piped.git("rm", "-q", "--cached", "raw.txt")
    piped.assay("add", "raw.txt")
    piped.write({"raw.txt": "changed behind its pointer\n"})
    outcome = piped.assay("repro", exit_code=4)
    assert "stage-input-changed" in outcome.stderr
    assert ran(outcome.stdout) == []
    piped.assay("add", "raw.txt")
    assert ran(piped.assay("repro").stdout) == ["prep", "train"]


def test_a_stage_that_changes_its_input_is_not_recorded(project: Project) -> None:
    project.write({"in": "1", "assay.yaml": "stages:\n  a:\n    cmd: echo 2 > in; echo 3 > out\n"
                   "    deps: [in]\n    outs: [out]\n"})  # fmt: skip
    assert "stage-changed-input" in project.assay("repro", exit_code=8).stderr
    assert not (project.root / "assay.lock").exists()


def test_commands_run_in_turn_in_their_folder(project: Project) -> None:
    project.write(
        {
            "sub": None,
            "assay.yaml": "stages:\n  a:\n    wdir: sub\n    cmd:\n    - echo one > out\n"
            "    - echo two >> out\n    outs: [out]\n",
        }
    )
    project.assay("repro")
    assert project.read("sub/out") == b"one\ntwo\n"
    assert "/out" in project.read("sub/.gitignore").decode()


def test_always_changed_and_frozen_mean_what_they_say(project: Project) -> None:
    project.write(
        {
            "in": "1",
            "assay.yaml": "stages:\n  a:\n    cmd: echo 1 > a\n    outs: [a]\n"
            "    always_changed: true\n  b:\n    cmd: cat in > b\n    deps: [in]\n"
            "    outs: [b]\n    frozen: true\n",
        }
    )
    assert ran(project.assay("repro").stdout) == ["a", "b"]
    project.write({"in": "2"})
    assert ran(project.assay("repro").stdout) == ["a"]


def test_pipelines_in_several_folders_are_one_graph(project: Project) -> None:
    project.write(
        {
            "one/assay.yaml": "stages:\n  a:\n    cmd: echo 1 > x\n    outs: [x]\n",
            "two/assay.yaml": "stages:\n  a:\n    cmd: cat ../one/x > y\n"
            "    deps: [../one/x]\n    outs: [y]\n",
        }
    )
    names = project.assay("stage", "list", "--name-only").stdout.split()
    assert names == ["one/assay.yaml:a", "two/assay.yaml:a"]
    project.assay("repro", "two/assay.yaml")
    assert project.read("two/y") == b"1\n"
    assert (project.root / "one" / "assay.lock").exists()


def test_collection_keeps_what_any_commit_s_lock_names(piped: Project) -> None:
    piped.assay("repro")
    piped.commit("first")
    piped.git("tag", "v1")
    piped.write({"params.yaml": "lr: 0.2\n"})
    piped.assay("repro")
    piped.commit("second")
    piped.assay("gc", "--force", "--purge")
    piped.switch("v1")
    assert piped.read("model.bin") == b"raw\nlr: 0.1\n"


def test_what_a_stage_makes_cannot_be_added_by_hand(piped: Project) -> None:
    piped.assay("repro")
    assert "add-made-by-stage" in piped.assay("add", "model.bin", exit_code=2).stderr
    assert "add-made-by-stage" in piped.assay("commit", "model.bin", exit_code=2).stderr


def test_neither_can_a_part_of_it_nor_what_it_will_make(project: Project) -> None:
    project.write({"assay.yaml": "stages:\n  a:\n    cmd: mkdir d\n    outs: [d]\n", "d/1": "1"})
    for name in ("d", "d/1"):
        assert "add-made-by-stage" in project.assay("add", name, exit_code=2).stderr


def test_a_folder_output_is_recorded_whole(project: Project) -> None:
    project.write(
        {
            "assay.yaml": "stages:\n  a:\n    cmd: mkdir d && echo 1 > d/1 && echo 2 > d/2\n"
            "    outs: [d]\n"
        }
    )
    project.assay("repro")
    lock = project.read("assay.lock").decode()
    assert ".dir\n      size: 4\n      nfiles: 2\n" in lock
    assert project.assay("status", "--json").json() == {}


def test_dag_draws_who_reads_from_whom(piped: Project) -> None:
    assert piped.assay("dag").stdout == "prep\ntrain  <-  prep\n"
    assert '"prep" -> "train";' in piped.assay("dag", "--dot").stdout
    assert "node1-->node2" in piped.assay("dag", "--mermaid").stdout
    assert piped.assay("dag", "--json").json() == {"prep": [], "train": ["prep"]}
    assert piped.assay("stage", "list", "--json").json()[1]["params"] == {"params.yaml": ["lr"]}
