"""`assay contract infer` and `check`: files, exit codes, JSON, from a tracked folder too."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import Project, new_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "project")
    project.write({"data/a.csv": "id,name\n1,x\n2,y\n", "data/b.csv": "id,name\n3,z\n"})
    return project


def test_infer_then_check_passes_and_broken_data_fails(project: Project) -> None:
    project.assay("contract", "infer", "data", "-o", "contracts/people.yaml")
    project.save()
    assert "pass: " in project.assay("contract", "check", "people").stdout
    report = project.assay("contract", "check", "people", "--json").json()
    assert report["verdict"] == "pass"
    assert [file["path"] for file in report["data"]["files"]] == ["a.csv", "b.csv"]
    assert len(report["contract"]["blake3"]) == len(report["data"]["blake3"]) == 64
    (project.root / "data/b.csv").unlink()
    project.write({"data/b.csv": "id,name\nthree,z\n"})
    done = project.assay("contract", "check", "people", exit_code=7)
    assert "b.csv row 1: three" in done.stdout
    (project.root / "data/b.csv").write_bytes(b"id,name\n\xff")
    done = project.assay("contract", "check", "people", "data/b.csv", "--json", exit_code=10)
    assert done.json()["verdict"] == "inconclusive"


def test_one_file_inside_a_tracked_folder_is_checked_from_anywhere(project: Project) -> None:
    project.assay("contract", "infer", "data", "-o", "contracts/people.yaml")
    project.assay("--cd", "data", "contract", "check", "people")
    project.assay("contract", "check", "contracts/people.yaml", "data/a.csv")


def test_what_cannot_be_judged_is_an_error_with_its_code(project: Project) -> None:
    def code(*words: str, exit_code: int) -> str:
        done = project.assay("contract", *words, "--json", exit_code=exit_code)
        return str(done.json()["error"]["code"])

    assert code("check", "none", exit_code=3) == "contract-missing"
    assert code("check", "../x", exit_code=2) == "contract-name-invalid"
    assert code("check", "a/../../x", exit_code=2) == "contract-name-invalid"
    project.assay("contract", "infer", "data", "-o", "contracts/p.yaml")
    assert code("infer", "data", "-o", "contracts/p.yaml", exit_code=4) == "target-exists"
    project.assay("contract", "infer", "data", "-o", "contracts/p.yaml", "--force")
    assert code("check", "p", "nowhere", exit_code=3) == "path-missing"
    project.write({"contracts/q.yaml": "format: 1\n", "t.txt": "x"})
    assert code("check", "q", exit_code=2) == "contract-without-data"
    assert code("check", "q", "t.txt", exit_code=2) == "table-format-unknown"
    project.write({"contracts/new.yaml": "format: 9\n"})
    assert code("check", "new", exit_code=2) == "contract-newer-format"


def test_linked_data_of_the_cache_is_judged(project: Project) -> None:
    project.assay("contract", "infer", "data", "-o", "contracts/people.yaml")
    target = project.root / ".assay/cache/linked.csv"
    (project.root / "data/b.csv").rename(target)
    (project.root / "data/b.csv").symlink_to(target)
    project.assay("contract", "check", "people")


def test_a_proposal_can_be_read_from_the_terminal_or_as_json(project: Project) -> None:
    assert "format: 1\n" in project.assay("contract", "infer", "data").stdout
    answer = project.assay("contract", "infer", "data", "--json").json()
    assert answer["columns"] == {"id": "integer", "name": "string"}
    assert answer["rows"] == 3
