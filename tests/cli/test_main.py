"""`mien` itself: help, version, old spellings, mistakes, and how it ends."""

import re
import signal
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from helpers.commands import Run, call_mien, command_names, find_command
from helpers.photos import PORTRAIT

from mien.cli import RENAMED
from mien.cli import mien as group
from mien.cli.numbers import Number
from mien.cli.options import Option
from mien.cli.paths import OUTPUT_FILE, PATH, SOURCE
from mien.inference.faces.detectors import DETECTORS
from mien.inference.networks.pretrained import DEFAULT_NETWORK, FACE_NETWORKS

COMMANDS = [*command_names()]
RENAMED_OPTIONS = [
    (name, option.was, option.opts[0])
    for name in COMMANDS
    for option in find_command(name).params
    if isinstance(option, Option) and option.was
]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_with_an_example(mien: Run, name: str) -> None:
    help_text, err = mien(*name.split()[1:], "--help")
    assert err == ""
    assert help_text.startswith(f"Usage: {name} ")
    assert name in help_text.split("Examples:")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_explained(name: str) -> None:
    explained = [parameter for parameter in find_command(name).params if getattr(parameter, "help", None)]
    assert explained == find_command(name).params


def test_help_lists_commands_by_today_s_names(mien: Run) -> None:
    listed = re.findall(r"^  (\w+) ", mien("--help")[0].partition("Commands:")[2], re.MULTILINE)
    assert listed == list(group.list_commands(click.Context(group)))
    assert set(RENAMED).isdisjoint(listed)


PATH_PARAMETERS = [
    (name, parameter)
    for name in COMMANDS
    for parameter in find_command(name).params
    if isinstance(parameter.type, type(PATH) | type(SOURCE))
]


@pytest.mark.parametrize(
    ("name", "parameter"), PATH_PARAMETERS, ids=[f"{name} {parameter.name}" for name, parameter in PATH_PARAMETERS]
)
def test_no_empty_path_becomes_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, parameter: click.Parameter
) -> None:
    arguments = [p for p in find_command(name).params if isinstance(p, click.Argument)]
    words = [] if parameter in arguments else [parameter.opts[-1], ""]
    assert call_mien(monkeypatch, *name.split()[1:], *words, *("" if p is parameter else "x" for p in arguments)) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "found an empty path, expected the name of a file or folder; is a variable of the shell unset?" in err


OUTPUT_FILES = [
    (name, parameter) for name, parameter in PATH_PARAMETERS if isinstance(parameter.type, type(OUTPUT_FILE))
]


@pytest.mark.parametrize(
    ("name", "parameter"), OUTPUT_FILES, ids=[f"{name} {parameter.name}" for name, parameter in OUTPUT_FILES]
)
def test_a_name_that_ends_in_a_slash_is_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, parameter: click.Parameter
) -> None:
    assert call_mien(monkeypatch, *name.split()[1:], "x", parameter.opts[-1], "times/") == 2
    assert "found the folder times/, expected the name of a file to write." in capsys.readouterr().err


NUMBERS = [
    (name, parameter)
    for name in COMMANDS
    for parameter in find_command(name).params
    if isinstance(parameter.type, Number)
]


@pytest.mark.parametrize("text", ["nan", "-NaN", "inf", "1e999"])
@pytest.mark.parametrize(("name", "parameter"), NUMBERS, ids=[f"{name} {p.name}" for name, p in NUMBERS])
def test_no_number_is_nan_or_infinite(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    parameter: click.Parameter,
    text: str,
) -> None:
    flag = parameter.opts[0]
    assert call_mien(monkeypatch, *name.split()[1:], f"{flag}={text}") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: Invalid value for '{flag}': "), err
    assert f"found {text}, expected a number" in err or "is not in the range" in err


def test_every_number_with_a_fraction_is_tested_for_nan() -> None:
    types = {type(parameter.type) for name in COMMANDS for parameter in find_command(name).params}
    assert not types & {click.FloatRange, click.types.FloatParamType}
    assert {name for name, _ in NUMBERS} >= {
        "mien drift",
        "mien score",
        "mien image",
        "mien serve",
        "mien mlflow register",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_no_table_is_written_under_the_name_of_a_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for parameter in find_command(name).params:
        if parameter.metavar == "OUT.csv" and isinstance(parameter.type, type(OUTPUT_FILE)):
            assert call_mien(monkeypatch, *name.split()[1:], "x", parameter.opts[0], "photo.jpg") == 2
            assert capsys.readouterr().err == (
                f"error: {parameter.opts[0]}: found 'photo.jpg', expected the name of a file of text, such as OUT.csv\n"
            )


def test_every_output_of_csv_and_png_is_a_file() -> None:
    """Options for `OUT.csv` and `OUT.png`, but those that may be folders."""
    outputs = {
        (name, parameter.name)
        for name in COMMANDS
        for parameter in find_command(name).params
        if str(parameter.metavar).startswith("OUT.") and isinstance(parameter, click.Option)
    }
    files = {(name, parameter.name) for name, parameter in OUTPUT_FILES}
    assert {name for name, _ in outputs - files} == {"mien video", "mien webcam"}


def test_every_parameter_with_a_path_is_tested_for_an_empty_one() -> None:
    tested = {(name, parameter.name) for name, parameter in PATH_PARAMETERS}
    assert len(tested) > 30
    assert {("mien image", "photos"), ("mien video", "sources"), ("mien score", "source")} <= tested
    types = {type(parameter.type) for name in COMMANDS for parameter in find_command(name).params}
    assert not types & {click.Path, click.File, click.types.FuncParamType}


def test_a_url_where_a_file_is_expected_is_shown_whole_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call_mien(monkeypatch, "image", "https://me:secret@host.org/a.jpg?key=1") == 2
    assert (
        "found the URL https://host.org/a.jpg?..., expected a file or folder; URLs are for the sources of mien video, "
        "mien score and mien convert. See mien image --help" in capsys.readouterr().err
    )


def test_detectors_are_those_of_the_library() -> None:
    (option,) = [option for option in find_command("mien image").params if option.name == "detector"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == list(DETECTORS)


@pytest.mark.parametrize("name", ["mien image", "mien video", "mien webcam", "mien app", "mien serve", "mien score"])
def test_networks_are_those_of_the_library(name: str) -> None:
    (option,) = [option for option in find_command(name).params if option.name == "model"]
    assert isinstance(option, Option)
    assert str(option.show_default).split(",")[0] == DEFAULT_NETWORK
    assert re.findall(r"\bmien(?:_\w+)?\b", option.help or "")[:3] == list(FACE_NETWORKS)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_command_works_and_is_noted(mien: Run, old: str, new: tuple[str, ...]) -> None:
    out, err = mien(old, "--help")
    assert out == mien(*new, "--help")[0]
    assert err == f"note: 'mien {old}' is now 'mien {' '.join(new)}'\n"


@pytest.mark.parametrize(("name", "old", "new"), RENAMED_OPTIONS)
def test_an_old_option_works_and_is_noted(name: str, old: str, new: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = find_command(name)
    (option,) = [option for option in command.params if new in option.opts]
    assert isinstance(option, click.Option)
    was_flag = isinstance(option.flag_value, str)
    values = [] if was_flag else ["ray"]
    sources = [] if name == "mien webcam" else ["source"]
    today = command.make_context(name, [new, *([option.flag_value] if was_flag else values), *sources]).params
    assert capsys.readouterr().err == ""
    assert command.make_context(name, [old, *values, *sources]).params == today
    assert capsys.readouterr().err == f"note: '{old}' is now '{new}'\n"
    if values:
        assert command.make_context(name, [*sources, f"{old}=ray"]).params == today


def test_the_old_options_are_those_of_release_0_1() -> None:
    assert sorted(RENAMED_OPTIONS) == [
        ("mien image", "--output-image", "--annotated"),
        ("mien score", "--engine", "--executor"),
        ("mien score", "--views", "--tta"),
        ("mien video", "--engine", "--executor"),
        ("mien video", "--output", "--annotated"),
        ("mien video", "--output-csv", "--faces-csv"),
        ("mien webcam", "--output", "--annotated"),
        ("mien webcam", "--output-csv", "--faces-csv"),
    ]


def test_what_follows_two_dashes_is_no_option(mien: Run) -> None:
    _, err = mien("image", "--", "--output-image", code=2)
    assert err.startswith("error: --output-image: cannot be read")


def test_version(mien: Run) -> None:
    assert mien("--version") == (f"mien {version('mien')}\n", "")
    done = subprocess.run([sys.executable, "-m", "mien", "--version"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"mien {version('mien')}\n", "")


@pytest.mark.parametrize("words", [(), ("exp",), ("mlflow",)])
def test_without_a_command_the_help_is_shown(mien: Run, words: tuple[str, ...]) -> None:
    out, err = mien(*words, code=2)
    assert out == ""
    assert err == mien(*words, "--help")[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("imgae", "No such command 'imgae'. Did you mean 'image'? See mien --help"),
        ("exp compar", "No such command 'compar'. Did you mean 'compare'? See mien exp --help"),
        (
            "image a.png --anotated b.png",
            "No such option '--anotated'. Did you mean '--annotated'? See mien image --help",
        ),
        ("image", "Missing argument 'PHOTO|DIR...'. See mien image --help"),
        ("exp report folder --title t", "Missing option '--command'. See mien exp report --help"),
        ("app --port \x1b[2J", "Invalid value for '--port': '\\x1b[2J' is not a valid integer. See mien app --help"),
        ("image a.png --crop --detector haar", "--detector and --crop exclude each other. See mien image --help"),
        ("image a.png --faces-csv", "Option '--faces-csv' requires an argument."),
    ],
)
def test_a_mistake_is_one_line_with_a_way_out(mien: Run, words: str, expected: str) -> None:
    assert mien(*words.split(" "), code=2) == ("", f"error: {expected}\n")


@pytest.mark.parametrize(
    ("words", "extra", "modules"),
    [
        ("app", "app", ["gradio"]),
        ("serve", "serve", ["fastapi"]),
        ("score faces.zip", "pipeline", ["sklearn"]),
        ("convert faces.zip out.npz", "pipeline", ["xxhash"]),
        ("summary", "pipeline", ["matplotlib"]),
        ("exp compare a --output b", "pipeline", ["dvc"]),
        ("exp report a --title b --command c", "pipeline", ["matplotlib"]),
        ("exp search a.yaml", "scale", ["ray"]),
        ("mlflow sync", "pipeline", ["mlflow"]),
        ("mlflow register", "pipeline", ["mlflow"]),
        ("video a.mp4 --output-plot b.png", "pipeline", ["matplotlib"]),
    ],
)
def test_a_missing_extra_is_named(
    mien: Run, monkeypatch: pytest.MonkeyPatch, words: str, extra: str, modules: list[str]
) -> None:
    monkeypatch.setattr("mien._io.extras.find_spec", lambda name: None if name in modules else find_spec(name))
    out, err = mien(*words.split(), code=2)
    assert out == ""
    hint = rf"pip install '\.\[{extra}\]' in a clone of mien"
    assert re.fullmatch(rf"error: \S.* needs the extra `{extra}`: {hint}\n", err)


def test_ctrl_c_leaves_with_130(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    code = (
        "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # which nohup takes away
        "os.mkfifo('pipe.csv'); from mien.cli import main; main()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen([*command, "aus", pipe.name], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while not pipe.exists():
            assert process.poll() is None
        with pipe.open("w"):  # opens when the command opens it to read
            process.send_signal(signal.SIGINT)
            assert process.stderr.read().strip() == "interrupted"
    assert process.returncode == 130


def test_a_reader_of_stdout_may_leave() -> None:
    command = f"{sys.executable} -m mien image --help | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "Usage: mien image [OPTIONS] PHOTO|DIR...\n"
    assert done.stderr == ""


def test_the_help_of_a_command_loads_neither_the_library_nor_other_commands() -> None:
    code = "import sys; from mien.cli import main; main(); print(sorted(m for m in sys.modules if m[:4] == 'mien'))"
    done = subprocess.run([sys.executable, "-c", code, "image", "--help"], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    rooms = ["mien", "mien._io", "mien._io.errors", "mien._io.stdout", "mien.cli"]
    commands = ["face_options", "groups", "image", "numbers", "options", "paths"]
    assert loaded == str([*rooms, *(f"mien.cli.{name}" for name in commands)])


def test_photos_are_read_without_any_extra() -> None:
    extra = (
        "dvc",
        "gradio",
        "keras",
        "matplotlib",
        "mlflow",
        "onnx",
        "psutil",
        "ray",
        "scipy",
        "sklearn",
        "tensorflow",
    )
    code = f"import sys; sys.modules |= dict.fromkeys({extra}); from mien.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "image", "--actions", PORTRAIT], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{PORTRAIT}: ")
