"""MkDocs hooks for `make docs`: they add pages to those of docs/. Nothing is loaded from the web.

- The first page is the README, and CHANGELOG.md and CONTRIBUTING.md are pages.
- cli.md, the reference of commands, is written from the commands themselves; api.md names what mkdocstrings documents.
- A file of the repository that a page links to, such as a source file or a report, becomes a page or is copied.
- The mermaid graph, which needs a script from the web, is replaced by the picture img/pipeline.svg.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mien.cli import mien as command_group

ROOT = Path(__file__).parents[1]
API = {
    "mien": ["EmotionRecognizer", "Face", "FaceClassifier", "AUClassifier", "InputError"],
    "mien.inference.faces.detectors": ["Box", "Detection", "Detector", "make_detector"],
    "mien.inference.video.tracker": ["FaceTracker", "TrackedFace"],
    "mien.inference.video.frames": ["open_video", "open_camera", "Source", "Frame"],
    "mien.inference.annotate": ["annotate_faces"],
    "mien.aus.readers": ["open_aus"],
    "mien.rendering": ["draw_face"],
}
_HOMES = {
    "EmotionRecognizer": "mien.inference.recognizer",
    "Face": "mien.inference.face",
    "FaceClassifier": "mien.inference.networks.face_classifier",
    "AUClassifier": "mien.inference.networks.au_classifier",
    "InputError": "mien._io.errors",
    "draw_face": "mien.rendering.draw",
}
_TEXTS = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".sbatch": "bash", ".json": "json", ".cff": "yaml"}
LINK = re.compile(r"(\]\(|src=\")([^)#\"\s]+)")
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages and files that are not in docs/."""
    from mkdocs.structure.files import File

    written, copied = book()
    for name, content in written.items():
        if existing := files.get_file_from_path(name):
            files.remove(existing)
        files.append(File.generated(config, name, content=content))
    for name in copied:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def book() -> tuple[dict[str, str], list[str]]:
    """Return the text of each page by its name below docs/, and the files outside docs/ to copy."""
    texts: dict[str, str] = {}
    copied = set()
    pending = [*(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")), *_TEXTS]
    while pending:
        name = pending.pop()
        texts[name] = as_text(name)
        for target in targets(name, texts[name]):
            if not _is_page(target):
                copied.add(target)
            elif target not in texts and target not in pending:
                pending.append(target)
    names = {name: page_name(name) for name in texts}
    written = {names[name]: with_links(name, text, names) for name, text in texts.items()}
    written |= {"cli.md": cli_page(), "api.md": api_page()}
    return written, sorted(name for name in copied if not name.startswith("docs/"))


def as_text(name: str) -> str:
    """Return a file of the repository as Markdown; a folder as the list of its files."""
    path = ROOT / name
    if path.is_dir() and (path / "README.md").exists():
        return as_text(f"{name}/README.md")
    if path.is_dir():
        rows = [f"- [{file.name}]({file.name})" for file in sorted(path.iterdir()) if file.is_file()]
        return f"# {name}\n\n" + "\n".join(rows) + "\n"
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".md":
        return f"# {path.name}\n\n`{name}`\n\n````{_LANGUAGES.get(path.suffix, 'text')}\n{text.rstrip()}\n````\n"
    return re.sub(r"```mermaid\n.*?```", "![The stages of the pipeline](docs/img/pipeline.svg)", text, flags=re.DOTALL)


def targets(name: str, text: str) -> Iterator[str]:
    """Yield the files and folders that a text links to, by their path below the root of the repository."""
    for match in LINK.finditer(CODE.sub("", text)):
        if target := resolved(name, match[2]):
            yield target


def resolved(name: str, link: str) -> str:
    """Return the target of a file's link as a path below the root; "" for other sites and missing files."""
    if re.match(r"[a-z]+:", link):
        return ""
    base = name if (ROOT / name).is_dir() else posixpath.dirname(name)
    path = posixpath.normpath(posixpath.join(base, link))
    if path.startswith("..") or not (ROOT / path).exists():
        return ""
    return path.removesuffix("/README.md")


def page_name(name: str) -> str:
    """Return the page below docs/ for a file or folder of the repository: Markdown at the same path."""
    if name in _TEXTS:
        return _TEXTS[name]
    if (ROOT / name).is_dir():
        return f"{name}/index.md"
    name = name.removeprefix("docs/").removeprefix(".")  # MkDocs leaves out folders such as .github
    return name if name.endswith(".md") else f"{name}.md"


def with_links(name: str, text: str, names: dict[str, str]) -> str:
    """Return a text with links to pages and copied files. names: the page of each file."""
    here = posixpath.dirname(names[name])

    def link(match: re.Match[str]) -> str:
        target = resolved(name, match[2])
        if not target:
            return match[0]
        place = names[target] if _is_page(target) else target.removeprefix("docs/")
        return match[1] + posixpath.relpath(place, here or ".")

    parts = CODE.split(text)  # code stays unchanged
    return "".join(part if index % 2 else LINK.sub(link, part) for index, part in enumerate(parts))


def cli_page() -> str:
    """Return the page of all commands."""
    parts = [
        "# Commands",
        "Generated from the commands. `mien COMMAND --help` prints the same.",
        *_described("mien", command_group, _context(command_group, "mien")),
    ]
    return "\n\n".join(parts) + "\n"


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def _described(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for sub_name in command.list_commands(context):
            sub = command.get_command(context, sub_name)
            if sub is not None and not sub.hidden:
                inner = _context(sub, sub_name, context)
                yield from _described(f"{name} {sub_name}", sub, inner)
        return
    context.max_content_width = context.terminal_width = 100
    yield f"## {name}"
    yield f"```text\n{command.get_help(context).rstrip()}\n```"


def api_page() -> str:
    """Return the page that mkdocstrings fills from docstrings."""
    lines = [
        "# Python API",
        "The names of the first section are public, as in `from mien import EmotionRecognizer`. They keep working from "
        "release to release. The others are what the examples use.",
    ]
    for module, names in API.items():
        lines.append(f"## {module}")
        lines += [f"::: {_HOMES.get(name, module)}.{name}" for name in names]
    return "\n\n".join(lines) + "\n"


def _is_page(name: str) -> bool:
    path = ROOT / name
    return path.is_dir() or path.suffix in _LANGUAGES or path.suffix in (".md", ".txt", "")
