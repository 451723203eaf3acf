"""The texts say what is: links lead somewhere, figures are those of reports, commands print what stands below them."""

import importlib
import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.commands import command_names
from helpers.repository import ROOT
from helpers.videos import frame_of_clip, write_video
from PIL import Image

import mien
from mien._io.errors import InputError
from mien.aus.facs import AUS
from mien.config import Variation
from mien.rendering import draw_face
from tools import docs_hooks, docs_images, fill_figures

TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob(".github/**/*.md")]
SHOWN = re.compile(r"```sh\n(?P<command>[^`]*?)```\n```\n(?P<output>.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(?P<code>[^`]*?)```\n```\n(?P<output>.*?)```", re.DOTALL)
EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("*.py"))}
#: What example scripts are given; the others need nothing.
ARGUMENTS = {
    "read_photo": ["annotated.png"],
    "read_video": ["clip.mp4"],
    "draw_faces": ["faces.png"],
    "fine_tune": ["faces", "own.onnx", "none"],
}


def committed(file: str) -> str:
    """Return a report as Git has it: on another CPU, `dvc repro` writes slightly other figures."""
    return git("show", f"HEAD:reports/{file}")


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def outputs(pattern: re.Pattern[str], *texts: str) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for text in texts for match in pattern.finditer((ROOT / text).read_text())]


def assert_alike(output: str, shown: str) -> None:
    """Compare outputs; numbers may differ a little, as CPUs round differently."""
    number = r"\d+(?:\.\d+)?"
    assert re.sub(number, "0", output) == re.sub(number, "0", shown)
    numbers = [[float(word) for word in re.findall(number, text)] for text in (output, shown)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.05, abs=0.03)


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MkDocs make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def is_there(text: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = text.parent / name if name else text
    if not target.exists():
        return False
    return not anchor or anchor in {
        slug(line.lstrip("# ")) for line in target.read_text().splitlines() if line[:1] == "#"
    }


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(text: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)]+)|src=\"([^\"]+)", re.sub(r"```.*?```", "", text.read_text(), flags=re.S))
    assert [link for pair in links for link in pair if link and not is_there(text, link)] == []


@pytest.mark.parametrize("text", fill_figures.texts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_figures_are_those_of_reports(text: Path) -> None:
    shown = text.read_text()
    assert fill_figures.filled(shown) == shown or fill_figures.filled(shown, committed) == shown, (
        "run: python -m tools.fill_figures"
    )


def test_a_figure_names_its_source() -> None:
    def report(file: str) -> str:
        return {"a/b.json": '{"cnn": {"accuracy": 0.7083, "images": 3589}, "of": [{"a": 1400, "b": 15}]}'}[file]

    text = "<!-- figure: a/b.json; cnn/accuracy; {} -->1<!-- / -->"
    assert ">70.8 %<" in fill_figures.filled(text.format("%"), report)
    assert ">70.83 %<" in fill_figures.filled(text.format("%2"), report)
    assert ">0.708<" in fill_figures.filled(text.format(".3f"), report)
    assert ">3,589<" in fill_figures.filled(text.replace("accuracy", "images").format(","), report)
    assert ">1,415<" in fill_figures.filled("<!-- figure: a/b.json; of/0/+; , -->1<!-- / -->", report)
    assert ">1.4 GB<" in fill_figures.filled("<!-- figure: a/b.json; of/0/a; GB -->1<!-- / -->", report)
    with pytest.raises(InputError, match="found no cnn/loss, expected one of accuracy, images"):
        fill_figures.filled(text.replace("accuracy", "loss"), report)
    with pytest.raises(InputError, match="table: found other, expected one of expected, peers"):
        fill_figures.filled("<!-- table: other -->\n<!-- / -->", report)


def test_the_walk_shows_what_git_holds() -> None:
    of_git = {
        command: output
        for command, output in outputs(SHOWN, "docs/walk.md")
        if re.match(r"(cat|tail -1) reports/", command)
    }
    assert len(of_git) == 2
    for command, output in of_git.items():
        file = command.split()[-1].removeprefix("reports/")
        lines = committed(file).splitlines(keepends=True)
        now = subprocess.run(command, cwd=ROOT, shell=True, capture_output=True, text=True).stdout
        assert output in (now, "".join(lines[-1:] if command.startswith("tail") else lines))


@pytest.mark.parametrize(("command", "output"), outputs(SHOWN, "README.md", "docs/aus.md"))
def test_commands_print_what_the_texts_show(command: str, output: str, tmp_path: Path) -> None:
    line = command.partition(" #")[0].replace("--annotated ", f"--annotated {tmp_path}/")
    done = subprocess.run([sys.executable, "-m", *line.split()], cwd=ROOT, capture_output=True, text=True, check=True)
    assert_alike(done.stdout, output)


@pytest.mark.parametrize(("code", "output"), outputs(PYTHON, "README.md", "docs/photos.md", "docs/aus.md"))
def test_code_prints_what_the_texts_show(code: str, output: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert_alike(done.stdout, output)


def test_contributing_names_the_places_to_register_things() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    places = re.findall(r"`(\w+)` of `([\w/]+\.\w+)`", text)
    assert len(places) >= 5
    here = (ROOT, ROOT / "src/mien")
    files = {path: next((folder / path for folder in here if (folder / path).is_file()), None) for _, path in places}
    assert [(name, path) for name, path in places if (f := files[path]) is None or name not in f.read_text()] == []


def test_the_readme_is_a_first_page() -> None:
    assert 130 <= len((ROOT / "README.md").read_text().splitlines()) <= 170


def draw_classes(folder: Path) -> None:
    """Draw ten faces of each of two classes into folders of their names."""
    variation = Variation(identity=0.8, pose=0.3, scale=0.3, light=0.4, noise=0.3, occlusion=0)
    for name, shown in {"bored": {4: 80}, "engaged": {6: 90, 12: 100, 25: 60}}.items():
        (folder / name).mkdir(parents=True)
        for seed in range(10):
            face = draw_face([shown.get(au, 0) for au in AUS], variation, np.random.default_rng(seed), 48)
            Image.fromarray(face).save(folder / name / f"{seed}.png")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", [frame_of_clip(number) for number in range(10)])
    arguments = ARGUMENTS.get(name, [])
    if name == "fine_tune":
        draw_classes(tmp_path / "faces")
    if name == "read_photo":
        arguments = [str(ROOT / "examples/astronaut.jpg"), *arguments]
    command = [sys.executable, "-W", "error", str(EXAMPLES[name]), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ)
    note = "note: train_cnn starts from mien_small; of the last layer it keeps nothing; new: bored, engaged\n"
    assert (done.returncode, done.stderr) == (0, note if name == "fine_tune" else "")
    expected = {
        "read_action_units": "network      happy surprise angry sad disgust",
        "draw_faces": "",
        "fine_tune": "accuracy on 4 photos: ",
        "compare_conditions": "game  neutral",
    }
    assert expected.get(name, "face 1: " if name == "read_video" else "happy") in done.stdout
    assert [file.stat().st_size > 5_000 for file in tmp_path.glob("*.png")] == [True] * (
        name in ("read_photo", "draw_faces")
    )


def test_each_example_is_listed() -> None:
    listed = re.findall(r"\[(\w+)\.py\]", (ROOT / "examples/README.md").read_text())
    assert sorted(listed) == sorted(EXAMPLES)


def test_the_site_has_all_pages_that_it_lists() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    listed = re.findall(r"[\w/]+\.md", str(config["nav"]))
    written, copied = docs_hooks.book()
    assert [page for page in listed if page not in written] == []
    docs = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*")]
    there = {*written, *copied, *docs}
    for page, text in written.items():
        links = [link for _, link in docs_hooks.LINK.findall(docs_hooks.CODE.sub("", text)) if ":" not in link]
        places = [posixpath.normpath(posixpath.join(posixpath.dirname(page), link)) for link in links]
        assert [place for place in places if place not in there] == [], page
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= set(listed)


def test_the_site_describes_all_commands() -> None:
    headings = re.findall(r"^## (.+)", docs_hooks.cli_page(), re.MULTILINE)
    assert headings == [name for name in command_names() if name in headings]
    assert set(headings) == set(command_names())


def test_the_site_documents_the_public_api() -> None:
    assert {*docs_hooks.API["mien"], "__version__"} == set(mien.__all__)
    for module, name in re.findall(r"::: ([\w.]+)\.(\w+)", docs_hooks.api_page()):
        assert getattr(importlib.import_module(module), name).__doc__


def test_the_site_shows_the_pipeline_without_a_script() -> None:
    picture = (ROOT / "docs/img/pipeline.svg").read_text()
    assert picture == docs_images.pipeline((ROOT / "README.md").read_text()), "run: python tools/docs_images.py"
    assert "```mermaid" not in docs_hooks.book()[0]["index.md"]


def test_no_comment_breaks_a_paragraph() -> None:
    at_start = [
        path.name for path in fill_figures.texts() if re.search(r"^<!-- figure", path.read_text(), re.MULTILINE)
    ]
    assert at_start == []  # Markdown takes a line that begins so for HTML


def test_pictures_of_the_texts_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs/img").iterdir()}
    assert sizes
    assert [name for name, size in sizes.items() if size > 150_000] == []
