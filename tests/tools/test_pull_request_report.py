"""What a pull request gets to see: the report of a change, and the workflows that make and post it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.repository import ROOT, Repository
from PIL import Image

from mien._io.yaml import read_yaml
from tools import pull_request_report

WORKFLOWS = {path.name: read_yaml(path) for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
SCRIPT = "tools/pull_request_report.py"
COLOURS = {"base": (0x13, 0xAD, 0xC7), "workspace": (0x94, 0x5D, 0xD6)}  # of DVC's templates


@pytest.fixture(scope="module")
def changed(reproduced: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A clone without DVC's cache. Its branch `base` has another learning rate, accuracy and history."""
    path = tmp_path_factory.mktemp("changed") / "clone"
    reproduced.ok("git", "clone", "--quiet", str(reproduced.path), str(path))
    clone = Repository(path, reproduced.environment)
    clone.ok("git", "switch", "--quiet", "--create", "base")
    clone.set_params({"train_cnn": {"learning_rate": 0.1}})
    metrics = path / "reports/evaluate/metrics.json"
    figures = json.loads(metrics.read_text())
    figures["cnn"]["accuracy"] = 0.125
    metrics.write_text(json.dumps(figures))
    (path / "reports/train_cnn/history.csv").write_text("epoch,accuracy,loss,val_accuracy,val_loss\n1,0,9,0.1,9\n")
    clone.commit("base")
    clone.ok("git", "switch", "--quiet", "-")
    return clone


def test_a_report_shows_what_changed_and_nothing_else(changed: Repository) -> None:
    changed.ok("python", SCRIPT, "base", "report")
    folder = changed.path / "report"
    text = re.sub(" +", " ", (folder / "report.md").read_text())
    assert "| params.yaml | train_cnn.learning_rate | 0.1 | 0.001 |" in text
    accuracy = json.loads((changed.path / "reports/evaluate/metrics.json").read_text())["cnn"]["accuracy"]
    assert re.findall(r"^\| reports/.*", text, re.MULTILINE) == [
        f"| reports/evaluate/metrics.json | cnn.accuracy | 0.125 | {accuracy} | {round(accuracy - 0.125, 5)} |"
    ]
    pictures = set(re.findall(r"!\[.*\]\((.*)\)", text))
    assert pictures == {"CNN-accuracy.png", "CNN-loss.png"} == {path.name for path in folder.glob("*.png")}
    for name in pictures:
        with Image.open(folder / name) as picture:
            drawn = {colour for _, colour in picture.getcolors(picture.width * picture.height) or []}
        assert set(COLOURS.values()) <= drawn


def test_headlines_on_validation_come_first_and_details_are_folded() -> None:
    head = ["| Path | Metric | base | workspace | Change |", "|---|---|---|---|---|"]
    rows = [
        "| reports/evaluate/metrics.json | cnn.accuracy | 0.7 | 0.8 | 0.1 |",
        "| reports/evaluate/metrics.json | cnn.accuracy_low | 0.6 | 0.7 | 0.1 |",
        "| reports/train_cnn/metrics.json | cnn.val_accuracy | 0.8 | 0.9 | 0.1 |",
    ]
    shown, summary, details, _ = pull_request_report._folded(*head, *rows)
    assert shown.splitlines() == [*head, rows[2], rows[0]]
    assert summary == "<details><summary>1 other metrics</summary>"
    assert details.splitlines() == [*head, rows[1]]


def test_a_report_of_no_change_says_so(changed: Repository) -> None:
    changed.ok("python", SCRIPT, "HEAD", "unchanged")
    text = (changed.path / "unchanged/report.md").read_text()
    assert text == "## The change against HEAD\n\nNo param, no metric and no plot changed.\n"
    assert len(list((changed.path / "unchanged").iterdir())) == 1


def test_the_plots_of_both_sides_are_one_page_that_needs_no_web(changed: Repository) -> None:
    tools = str(Path(sys.executable).parent)
    make = ("make", f"--old-file={tools}/.installed", f"BIN={tools}", "plots")
    changed.ok(*make, "BASE=base")
    page = (changed.path / "dvc_plots/index.html").read_text()
    assert '"rev": "base"' in page
    assert '"rev": "workspace"' in page
    assert "vegaEmbed" in page
    assert not re.search(r"<(script|link)[^>]*https?:", page)
    refused = changed.run(*make, "BASE=no-such")
    assert "error: BASE=no-such: no such branch, tag or commit here" in refused.stderr


def _refusal(repository: Repository, base: str) -> str:
    result = repository.run("python", str(ROOT / SCRIPT), "--", base, "refused")
    assert (result.returncode, result.stdout, (repository.path / "refused").exists()) == (2, "", False)
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize("base", ["no-such", "", "HEAD~99", "HEAD:params.yaml", "a b", "--all", "--out=refused"])
def test_an_unknown_base_is_refused(changed: Repository, base: str) -> None:
    assert f"error: BASE={base}: no such branch, tag or commit here" in _refusal(changed, base)


def test_a_shallow_clone_is_told_how_to_get_the_base(changed: Repository, tmp_path: Path) -> None:
    changed.ok("git", "clone", "--quiet", "--depth=1", f"file://{changed.path}", str(tmp_path / "shallow"))
    assert "git fetch --unshallow" in _refusal(Repository(tmp_path / "shallow", changed.environment), "HEAD~1")


def test_no_report_outside_a_repository(changed: Repository, tmp_path: Path) -> None:
    assert "in no Git repository" in _refusal(Repository(tmp_path, changed.environment), "main")


def test_no_report_of_figures_that_are_not_those_of_the_params(changed: Repository) -> None:
    changed.set_params({"train_au": {"dropout": 0.5}})
    try:
        assert "error: train_au: not up to date with params and code, run `dvc repro` first" in _refusal(
            changed, "base"
        )
    finally:
        changed.ok("git", "checkout", "--quiet", ".")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_pins_its_actions_and_may_do_little(name: str) -> None:
    workflow = WORKFLOWS[name]
    text = (ROOT / ".github/workflows" / name).read_text()
    used = re.findall(r"uses: (.*)", text)
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in used)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    assert "pull_request_target" not in workflow["on"]
    assert "secrets." not in text
    scripts = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert not any("${{" in script for script in scripts)  # which would let a branch's name run as code
    if "workflow_run" in workflow["on"]:
        assert not used  # nothing of the pull request is fetched by Git
    else:
        assert not any("permissions" in job for job in workflow["jobs"].values())


def test_a_workflow_fails_where_a_command_before_a_pipe_does() -> None:
    steps = [step for workflow in WORKFLOWS.values() for job in workflow["jobs"].values() for step in job["steps"]]
    piped = [step for step in steps if re.search(r"[^|]\|[^|]", step.get("run", ""))]
    assert piped
    assert [step["name"] for step in piped if step.get("shell") != "bash"] == []  # GitHub's default knows no pipefail


def test_only_the_comment_may_be_written() -> None:
    writers = {
        (name, job): granted["permissions"]
        for name, workflow in WORKFLOWS.items()
        for job, granted in workflow["jobs"].items()
        if "write" in granted.get("permissions", {}).values()
    }
    assert writers == {("comment.yml", "comment"): {"actions": "read", "pull-requests": "write"}}


SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = """#!/usr/bin/env bash
# Stands in for GitHub: answers from files, keeps what it is told.
case "$*" in
    "run download 7 "*) cp -r --no-dereference artifact report ;;
    *pulls/12*) jq --raw-output "${@: -1}" pull.json ;;
    *--paginate*) jq --raw-output "${@: -1}" comments.json ;;
    *--method*) echo "$4 $5" >> told ;;
    *) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def github(tmp_path: Path) -> Path:
    """A folder in which `comment` posts the artifact of pull request 12, on which others have commented."""
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    (artifact / "number").write_text("12\n")
    (artifact / "comment.md").write_text("## The change\n")
    (tmp_path / "pull.json").write_text(json.dumps({"head": {"sha": SHA}}))
    impostor = {"id": 1, "user": {"login": "somebody"}, "body": "<!-- what the change does -->"}
    (tmp_path / "comments.json").write_text(json.dumps([impostor]))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GITHUB)
    (tmp_path / "bin/gh").chmod(0o755)
    return tmp_path


def comment(folder: Path) -> tuple[int, str]:
    """Run the script of comment.yml there. Return its exit code and what it told GitHub to do."""
    (step,) = WORKFLOWS["comment.yml"]["jobs"]["comment"]["steps"]
    environment = {
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "GH_REPO": "o/r", "RUN": "7", "RUN_URL": "https://example.org/7", "HEAD_SHA": SHA,
    }  # fmt: skip
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]  # as GitHub runs `shell: bash`
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    told = folder / "told"
    return result.returncode, told.read_text().strip() if told.exists() else ""


needs_jq = pytest.mark.skipif(not shutil.which("jq"), reason="jq is missing, which GitHub's machines have")


@needs_jq
def test_the_first_report_is_posted(github: Path) -> None:
    assert comment(github) == (0, "POST repos/o/r/issues/12/comments")
    body = (github / "body.md").read_text()
    assert body.startswith("<!-- what the change does -->\n")
    assert "https://example.org/7" in body
    assert body.endswith("\n\n## The change\n\n")


@needs_jq
def test_a_later_report_replaces_it(github: Path) -> None:
    comments = json.loads((github / "comments.json").read_text())
    mine = {"id": 5, "user": {"login": "github-actions[bot]"}, "body": "<!-- what the change does -->\nold"}
    (github / "comments.json").write_text(json.dumps([*comments, mine]))
    assert comment(github) == (0, "PATCH repos/o/r/issues/comments/5")


@needs_jq
@pytest.mark.parametrize("number", ["", "0", "-1", "1e3", "12; touch hacked", "$(touch hacked)", "../12"])
def test_a_number_that_is_none_is_refused(github: Path, number: str) -> None:
    (github / "artifact/number").write_text(number)
    code, text = comment(github)
    assert code != 0
    assert text == ""
    assert not (github / "hacked").exists()


@needs_jq
def test_the_report_of_another_pull_request_is_not_posted(github: Path) -> None:
    (github / "pull.json").write_text(json.dumps({"head": {"sha": SHA[::-1]}}))
    assert comment(github) == (0, "")


@needs_jq
def test_a_link_in_the_artifact_is_not_followed(github: Path) -> None:
    (github / "artifact/comment.md").unlink()
    (github / "artifact/comment.md").symlink_to("/etc/passwd")
    assert comment(github) == (1, "")


@needs_jq
def test_a_run_without_a_report_leaves_no_comment(github: Path) -> None:
    shutil.rmtree(github / "artifact")
    assert comment(github) == (0, "")


@needs_jq
def test_a_hostile_report_stays_text(github: Path) -> None:
    hostile = b"@everybody $(touch hacked) `touch hacked` ${{ github.token }}\n" + b"\xff" + b"x" * 100_000
    (github / "artifact/comment.md").write_bytes(hostile)
    assert comment(github) == (0, "POST repos/o/r/issues/12/comments")
    body = (github / "body.md").read_text()
    assert "@everybody" not in body
    assert len(body) < 65_536
    assert not (github / "hacked").exists()
