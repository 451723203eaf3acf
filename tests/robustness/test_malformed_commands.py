"""Malformed input of every command, refused as test_malformed.py says."""

import io
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.commands import command_names
from helpers.malformed import (
    FACES,
    JOINTS,
    LABELS_OF_3,
    PIXELS,
    ROW,
    Case,
    Content,
    Make,
    answers_logits,
    cases,
    npy,
    packed,
    refused,
)
from helpers.networks import LEVELS, brightness_network, change_metadata, linear_network
from helpers.pictures import encoded, numbers, picture, png
from helpers.repository import Repository
from PIL import Image

from mien.aus.facs import COLUMNS


def _clip() -> bytes:
    """Return a video of three frames: FFmpeg reads GIF."""
    frames = [Image.fromarray(picture(i, 64)) for i in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    return stream.getvalue()


CLIP = {"clip.gif": _clip()}
PHOTO = {"photo.png": encoded(np.full((48, 48), LEVELS[0], np.uint8))}
TWO_PHOTOS = PHOTO | {"photo.txt": PHOTO["photo.png"], "other/photo.png": PHOTO["photo.png"]}
AU_TABLE = {"aus.csv": f"{','.join(COLUMNS)},emotion\n{ROW},sad\n"}
FER = {"fer.csv": f"emotion,pixels,Usage\n0,{numbers(picture(1))},Training\n"}


def network(name: str, change: Make | None = None) -> Make:
    """Make a small network for faces in a folder, then change it."""

    def make(folder: Path) -> None:
        brightness_network(folder / name)
        if change:
            change(folder / name)

    return make


def classes(text: str) -> Make:
    return network("net", lambda folder: change_metadata(folder, {"mien.classes": text}))


def _of_two_classes(folder: Path) -> None:
    linear_network(folder / "net", np.zeros((48 * 48, 2)), np.zeros(2), ["one", "two"])
    change_metadata(folder / "net", {"mien.classes": '["one", "two", "three"]'})


def _of_no_size(folder: Path) -> None:
    """Write a network for faces of any size."""
    network = onnx.load(folder / "best.onnx")
    for dimension in network.graph.input[0].type.tensor_type.shape.dim[1:]:
        dimension.dim_param = "side"
    onnx.save(network, folder / "best.onnx")


IMAGE = [
    Case("mien image", ["Missing argument 'PHOTO|DIR...'"]),
    Case("mien image none.png", ["none.png: cannot be read (No such file or directory)"]),
    Case("mien image empty", ["empty: found no photo in this folder"], make=lambda f: (f / "empty").mkdir()),
    Case("mien image a.png", ["a.png: is not a picture that can be read"], {"a.png": b""}),
    Case("mien image a.png", ["a.png: is not a picture that can be read"], {"a.png": "<svg/>"}),
    Case("mien image a.png", ["a.png: cannot be read"], {"a.png": png(1)[:-99]}),
    Case("mien image a.png", ["a.png: cannot be read"], {"a.png": encoded(picture(1, 400))[:9000]}),
    Case("mien image a.png", ["a.png: has 8 x 8 pixels"], {"a.png": encoded(picture(1, 8))}),
    Case("mien image 'a\n\x1b[2J.png'", ["a\\n\\x1b[2J.png: is not a picture"], {"a\n\x1b[2J.png": b""}),
    Case(
        "mien image photo.png --detector yolo",
        ["'--detector': 'yolo' is not one of 'yunet', 'haar', 'mtcnn', 'none'"],
        PHOTO,
    ),
    Case("mien image photo.png --min-confidence 70", ["min_confidence: found 70, expected 0 to 1"], PHOTO),
    Case("mien image photo.png --crop --detector haar", ["--detector and --crop exclude each other"], PHOTO),
    Case(
        "mien image photo.png --output-csv none/a.csv",
        ["a.csv: cannot be written (no folder none; create"],
        PHOTO,
    ),
    Case("mien image photo.png --output-csv other", ["is a folder, expected the name of a file"], TWO_PHOTOS),
    Case("mien image photo.png --output-csv photo.png", ["--output-csv: found 'photo.png', expected"], PHOTO),
    Case("mien image photo.png --annotated photo.png", ["is both read and written"], PHOTO),
    Case(
        "mien image photo.png --annotated none/a.png",
        ["a.png: cannot be written (no folder none; create"],
        PHOTO,
    ),
    Case("mien image photo.png --annotated a.gif", ["--annotated: found 'a.gif'"], PHOTO),
    Case("mien image photo.png --explain a.gif", ["--explain: found 'a.gif'"], PHOTO),
    Case("mien image photo.png --explain a.png --annotated a.png", ["a.png: is named as 2 outputs"], PHOTO),
    Case(
        "mien image photo.png --explain none/a.png",
        ["a.png: cannot be written (no folder none; create"],
        PHOTO,
    ),
    Case("mien image photo.png --output-csv a.csv --faces-csv ./a.csv", ["a.csv: is named as 2 outputs"], PHOTO),
    Case("mien image photo.png --annotated other/ --explain other", ["is named as 2 outputs"], TWO_PHOTOS),
    Case(
        "mien image photo.png photo.txt --annotated out --faces-csv out/photo.png",
        ["--faces-csv: found 'out/photo.png', expected the name of a file of text"],
        TWO_PHOTOS,
    ),
    Case(
        "mien image photo.png photo.txt --annotated a.png",
        ["a.png: has the name of a file, expected a folder for"],
        TWO_PHOTOS,
    ),
    Case("mien image photo.png photo.txt --annotated photo.png", ["is not a folder for several photos"], TWO_PHOTOS),
    Case("mien image photo.png other/photo.png --annotated out", ["2 photos would become"], TWO_PHOTOS),
    Case("mien image photo.png --model stages", ["stages: no model"], PHOTO),
    Case(
        "mien image photo.png --model none",
        ["found 'none', expected mien_wild, mien, mien_small, or a folder"],
        PHOTO,
    ),
    Case("mien image photo.png --model net", ["expected 3, a probability per class"], PHOTO, _of_two_classes),
    Case("mien image photo.png --model net", ["net/best.onnx: mien.classes: is not JSON"], PHOTO, classes("{")),
    Case("mien image photo.png --model net", ["mien.classes: found [1, 2, 3], expected"], PHOTO, classes("[1, 2, 3]")),
    Case("mien image photo.png --model net", ["best.onnx: mien.classes: is not JSON"], PHOTO, classes("[" * 100_000)),
    Case("mien image photo.png --model net", ["expected a network for faces"], PHOTO, network("net", _of_no_size)),
    Case("mien image photo.png --crop --model net", ["not probabilities"], PHOTO, lambda f: answers_logits(f / "net")),
]
VIDEO = [
    Case("mien video none.mp4 --no-display --faces-csv t.csv", ["none.mp4: no such file"]),
    Case("mien video a.mp4 --no-display --faces-csv t.csv", ["a.mp4: cannot be read as a video"], {"a.mp4": b""}),
    Case(
        "mien video a.mp4 --no-display --faces-csv t.csv",
        ["cannot be read as a video"],
        {"a.mp4": "frame,seconds\n" * 99},
    ),
    Case("mien video clip.gif --no-display --annotated out.avi", ["expected a name that ends in .mp4"], CLIP),
    Case(
        "mien video clip.gif --no-display --annotated none/out.mp4",
        ["out.mp4: cannot be written (no folder none; create"],
        CLIP,
    ),
    Case("mien video clip.gif --no-display --output-plot p.jpg", ["--output-plot: found 'p.jpg', expected"], CLIP),
    Case("mien video clip.gif --no-display --faces-csv clip.gif/", ["clip.gif: is not a folder for files"], CLIP),
    Case("mien video none.mp4 --faces-csv a.mp4 --annotated ./a.mp4", ["--faces-csv: found 'a.mp4', expected the"]),
    Case("mien video a.mp4 b.gif --faces-csv a.csv", ["a.csv: has the name of a file, expected a folder for several"]),
    Case("mien video a.mp4 b.gif --annotated .", ["a.mp4: is both read and written"], {"a.mp4": CLIP["clip.gif"]}),
    Case("mien video clip.gif --no-display --faces-csv clip.gif", ["--faces-csv: found 'clip.gif', exp"], CLIP),
    Case("mien video clip.gif --no-display --detect-every 0", ["--detect-every: found 0, expected at least 1"], CLIP),
    Case("mien video clip.gif --no-display --detect-every 10001", ["found 10001, expected at most 10,000"], CLIP),
    Case("mien video clip.gif --no-display --detect-every x", ["'--detect-every': 'x' is not a valid integer"], CLIP),
    Case(
        "mien video clip.gif --no-display --detector yolo",
        ["'--detector': 'yolo' is not one of 'yunet', 'haar', 'mtcnn', 'none'"],
        CLIP,
    ),
    Case("mien video clip.gif --no-display", ["no window: --no-display is given, and no output is named"], CLIP),
]
WEBCAM = [
    Case("mien webcam --camera 87", ["camera 87: cannot be opened"]),
    Case("mien webcam --faces-csv stages", ["--faces-csv: 'stages' is a folder, expected the name of a file"]),
    Case("mien webcam --annotated out/", ["--annotated: 'out' is a folder, expected the name of a file"]),
    Case("mien webcam --annotated a.mp4 --faces-csv a.mp4", ["--faces-csv: found 'a.mp4', expected the name of"]),
    Case("mien webcam --output-plot a.pdf", ["--output-plot: found 'a.pdf', expected a name that ends in .png"]),
    Case("mien webcam --camera -1", ["--camera: found -1"]),
    Case("mien webcam --camera 99999999999", ["--camera: found 99999999999"]),
    Case("mien webcam --camera front", ["--camera: found front, expected 0..99"]),
]
APP = [
    Case("mien app --port 99999", ["--port: found 99999"]),
    Case("mien app --port -1", ["--port: found -1"]),
    Case("mien app --port x", ["'--port': 'x' is not a valid integer"]),
    Case("mien app --host 256.1.2.3", ["--host 256.1.2.3", "cannot be listened on"]),
    Case("mien app --host 'a\x1b[2J'", ["--host a\\x1b[2J", "cannot be listened on"]),
]
SERVE = [
    Case("mien serve --port 0 --model nowhere", ["model: found 'nowhere'"]),
    Case("mien serve --queue 0", ["'--queue': 0 is not in the range 1<=x<=10000"]),
    Case("mien serve --max-megapixels 65", ["'--max-megapixels': 65 is not in the range 1<=x<=64"]),
    Case("mien serve --workers 999", ["'--workers': 999 is not in the range 0<=x<=256"]),
    Case("mien serve --token-file token", ["token: cannot be read"]),
    Case("mien serve --token-file token", ["token: cannot be read"], {"token": b"\xff" * 20}),
]
AUS = [
    Case("mien aus", ["found both or neither of FILE.csv and --au"]),
    Case("mien aus aus.csv --au 6=1", ["found both or neither of FILE.csv and --au"], AU_TABLE),
    *(
        Case(f"mien aus --au 6=1 {words}", [f"found {words.split()[0]} beside --au, expected it with a FILE.csv"])
        for words in (
            "--output o.csv", "--per-file", "--baseline median", "--baseline ''", "--format openface", "--missing zero",
            "--missing fail", "--min-tool-confidence 0",
        )
    ),
    *(
        Case(f"mien aus --model prototypes {words}", [f"--au: found {says}"])
        for words, says in (
            ("--au 6:98", "'6:98'"), ("--au 3=50", "'3=50'"), ("--au 6=101", "'6=101'"), ("--au 6=x", "'6=x'"),
            ("--au 6=nan", "'6=nan'"), ("--au 6=1 --au 06=2", "AU 6 twice"), (f"--au {'9' * 5000}=1", "'999"),
        )
    ),
    Case("mien stats aus.csv --condition task", ["aus.csv: found no column task"], AU_TABLE),
    Case("mien aus aus.csv --model nothing", ["model: found 'nothing'"], AU_TABLE),
    Case("mien aus aus.csv --model net", ["net/best.onnx", "expected a network for 17 AUs"], AU_TABLE, network("net")),
    Case("mien aus aus.csv --model t.yaml", ["t.yaml: not valid YAML"], AU_TABLE | {"t.yaml": "["}),
    Case("mien aus none.csv", ["none.csv: cannot be read (No such file"]),
    Case("mien aus stages", ["stages: cannot be read (Is a directory)"]),
    Case("mien aus a.csv", ["a.csv: found an empty file"], {"a.csv": b""}),
    Case("mien aus a.csv", ["a.csv: found binary data"], {"a.csv": png(1)}),
    Case("mien aus a.csv", ["a.csv: found columns name, age"], {"a.csv": "name,age\nx,1\n"}),
    Case("mien aus a.csv", ["a.csv: found columns AU9"], {"a.csv": f"AU{'9' * 5000},b\nx,1\n"}),
    Case("mien aus a.csv", ["a.csv: found columns \\x1b[2J"], {"a.csv": "\x1b[2J,b\nx,1\n"}),
    Case("mien aus a.csv", ["a.csv: no column AU02"], {"a.csv": "AU01\n1\n"}),
    Case("mien aus a.csv --output o.csv", ["a.csv: row 1, column AU01: found 'x'"],
         {"a.csv": f"{','.join(COLUMNS)}\nx{ROW[2:]}\n"}),
    Case("mien aus a.xlsx", ["a.xlsx: found a damaged Excel workbook"], {"a.xlsx": b"PK\3\4"}),
    Case("mien aus a.csv.gz", ["a.csv.gz: found a damaged gzip file"], {"a.csv.gz": b"\x1f\x8b"}),
    Case("mien aus aus.csv --baseline a.csv", ["--baseline: a.csv: found an empty file"], AU_TABLE | {"a.csv": b""}),
    Case("mien aus aus.csv --min-tool-confidence 2", ["'--min-tool-confidence': 2"], AU_TABLE),
    Case("mien stats none.csv --plot a.png --output a.png", ["--output: found 'a.png', expected the name"]),
    Case("mien drift none --against none --faces-csv a.csv --output a.csv", ["a.csv: is named as 2 outputs"]),
    Case("mien drift in --against in --plot in/a.png", ["in/a.png: would be one of the pictures of in, which"],
         {"in/1.png": png(1)}),
    Case("mien drift in --against in --faces-csv in/1.csv", ["in/1.csv: is a file of in, which is read, expected"],
         {"in/1.png": png(1), "in/1.csv": "file,emotion"}),
    Case("mien image in --faces-csv in/1.csv", ["in/1.csv: is a file of in, which is read, expected"],
         {"in/1.png": png(1), "in/1.csv": "file,emotion"}),
    Case("mien image in --annotated in --json", ["in/1.png: is both read and written"],
         {"in/1.png": png(1)}),
    Case("mien drift none --against none.csv --output none.csv", ["none.csv: is both read and written"]),
    Case("mien aus aus.csv --baseline a.csv --output a.csv", ["a.csv: is both read and written"], AU_TABLE),
    Case("mien aus aus.csv --output aus.csv", ["aus.csv: is both read and the --output"], AU_TABLE),
    Case("mien aus aus.csv --output none/o.csv", ["error: none/o.csv: cannot be written"], AU_TABLE),
    Case("mien aus none.csv --output o.csv", ["error: none.csv: cannot be read"]),
    Case("mien aus aus.csv --format excel", ["'--format': 'excel' is not one of"], AU_TABLE),
]  # fmt: skip
SCORE = [
    Case("mien score none.zip", ["none.zip: no such file or folder"]),
    *(
        Case(f"mien score {name} --model net", [f"{name}: {says}"], {name: data}, network("net"))
        for name, data, says in (
            ("a.zip", b"PK\3\4 and no more", "not a whole zip file"),
            ("a.csv", f"emotion,pixels\n0,{PIXELS[2:]}\n", "row 1, column pixels"),
            ("fer.csv", FER["fer.csv"], "found images of train, expected some of test"),
        )
    ),
    Case("mien score fer.csv --model net --slices-plot a.jpg", ["--slices-plot: found 'a.jpg'"], FER, network("net")),
    Case("mien score in --model net --slices-plot in/sad/2.png", ["in/sad/2.png: would be one of the pictures of in"],
         {"in/sad/1.png": png(1)}, network("net")),
    Case("mien score in --model net --label-errors in/1.csv", ["in/1.csv: is a file of in, which is read, expected"],
         {"in/sad/1.png": png(1), "in/1.csv": "file,emotion"}, network("net")),
    Case("mien score fer.csv --model none", ["model: found 'none'"], FER),
    Case("mien score fer.csv --model net --against none", ["model: found 'none'"], FER, network("net")),
    Case("mien score fer.csv --model net --margin 0.1", ["--margin: found no --against"], FER, network("net")),
    Case("mien score fer.csv --model net --against net --margin -1", ["--margin: found -1, expected 0"], FER,
         network("net")),
    Case("mien score fer.csv --model net --against models:/no@one", ["nonsense://x: MLflow's store or server does not"],
         FER, network("net"), environment={"MLFLOW_TRACKING_URI": "nonsense://x"}),
    Case("mien score aus.csv --against net", ["aus.csv: is an AU table: found --against"], AU_TABLE),
    Case("mien score fer", ["fer/index.csv: found no column origin"], {
        "fer/index.csv": "a\n1\n", "fer/test_images.npy": npy(np.zeros((1, 48, 48), np.uint8))}),
    Case("mien score fer.csv --label truth", ["fer.csv: is images: found --label"], FER),
    Case("mien score fer.csv --split dev", ["'--split': 'dev' is not one of"], FER),
    Case("mien score aus.csv --tta", ["aus.csv: is an AU table: found --tta"], AU_TABLE),
    Case("mien score aus.csv --label mood", ["aus.csv: found no column mood"], AU_TABLE),
    Case("mien score a.csv", ["a.csv: row 1, column emotion: unknown emotion 'odd'"],
         {"a.csv": f"{','.join(COLUMNS)},emotion\n{ROW},odd\n"}),
    Case(
        "mien score a.csv --model prototypes",
        ["a.csv: found a header without rows"],
        {"a.csv": f"a,b,c,{','.join(COLUMNS)},emotion\n"},
    ),
    Case(f"mien score {'s' * 5000}", ["File name too long"]),
]  # fmt: skip
CONVERT = [
    Case("mien convert none.csv out", ["none.csv: no such file"]),
    Case("mien convert fer.csv a.npz --size 0", ["--size: found 0, expected 1..512"], FER),
    Case("mien convert fer.csv stages", ["stages: is there already and not empty"], FER),
    Case("mien convert fer.csv fer.csv", ["fer.csv: is both read and written"], FER),
    Case("mien convert fer.csv a.npz", ["'a.npz': is a folder"], FER | {"a.npz/mine.txt": "mine"}),
    Case("mien convert fer.csv none/a.npz", ["none/a.npz: cannot be written"], FER),
    *(
        Case(f"mien convert fer.csv {name}", [f"{name}: has the name of a file, expected OUT.npz, or"], FER)
        for name in ("x.npy", "x.TXT", "x.zip")
    ),
    Case("mien convert in in/new", ["in/new: is in in, which is read, expected a folder outside it"],
         {"in/a.csv": FER["fer.csv"]}),
    Case("mien convert in in/a.npz", ["in/a.npz: is a file of in, which is read"],
         {"in/sad/1.png": png(1), "in/a.npz": "mine"}),
    Case("mien convert a.zip out", ["expected OUT.npz, as a.zip is not a fer2013.csv"], {"a.zip": packed(FACES)}),
    Case("mien convert a.zip a.npz", ["a.zip: train/sad/2.png: not a readable image"], {
        "a.zip": packed(FACES | {"train/sad/2.png": png(2)[:50]})}),
    *(
        Case(f"mien convert a.csv {target} --unknown-classes fail", ["a.csv: row 2, column emotion: found '9'"],
             {"a.csv": f"{FER['fer.csv']}9,{PIXELS},Training\n"})
        for target in ("faces", "a.npz")
    ),
]  # fmt: skip


def no_map(**changes: np.ndarray) -> bytes:
    """Return a map of actions, some of its arrays changed."""
    from mien.actions import ActionMap

    stream = io.BytesIO()
    np.savez(stream, **{**vars(ActionMap.load()), **changes})
    return stream.getvalue()


ACTIONS = [
    *(
        Case(f"mien actions {words}", [says])
        for words, says in (
            ("hapy", "found 'hapy', expected happy"),
            ("contempt", "found 'contempt', expected one of angry"),
            ("happy=0.7 sad=0.2", "sum 0.9"),
            ("happy=nan", "found [nan]"),
            ("happy=2 sad=-1", "found [2.0, -1.0]"),
            ("happy sad", "found 'happy', expected EMOTION=PROBABILITY"),
            ("happy=much", "'happy=much'"),
            ("joy=0.5 happy=0.5", "found happy twice"),
            ("happy --context sprots", "'sports'"),
            ("happy --context ''", "an empty name"),
            ("happy --top 0", "--top: found 0"),
            ("happy --joints people.csv", "needs --model"),
            ("happy --model nowhere", "nowhere/map.npz"),
        )
    ),
    Case("mien actions happy --model m", ["m/map.npz: cannot be read"], {"m/map.npz": b"PK"}),
    Case("mien actions happy --model m", ["m/map.npz: cannot be read"], {"m/map.npz": npy(LABELS_OF_3)}),
    Case("mien actions happy --model m", ["m/map.npz: found arrays that are not an action map"],
         {"m/map.npz": no_map(contexts=np.array(["one"]))}),
    Case("mien actions happy --model m", ["m/map.npz: found arrays that are not an action map"],
         {"m/map.npz": no_map(feeling_of_emotion=np.full((7, 7), np.nan))}),
    Case("mien actions happy --model m --joints j.csv", ["m/context.npz: no such file"],
         {"m/map.npz": no_map(), "j.csv": JOINTS}),
    Case("mien actions happy --model m --joints j.csv", ["m/context.npz: cannot be read"],
         {"m/map.npz": no_map(), "m/context.npz": no_map(), "j.csv": JOINTS}),
]  # fmt: skip
RECIPE = [
    Case("mien exp recipe mine", ["recipes: no such folder here; go to the root of a clone"]),
    *(
        Case("mien exp recipe mine", ["recipes/mine.yaml" if says is None else says], {"recipes/mine.yaml": text})
        for text, says in (
            ("train_cnn: {epoch: 3}\n", "recipes/mine.yaml: train_cnn.epoch: unknown key"),
            ("train_cnn: 3\n", "recipes/mine.yaml: train_cnn: found 3"),
            ("- 1\n", "recipes/mine.yaml: the whole file"),
            ("", "recipes/mine.yaml: the whole file"),
            ("[", "recipes/mine.yaml: not valid YAML"),
            ("prepare_fer: {source: my faces.zip}\n", "expected a value without blanks"),
        )
    ),
]
FIGURES = '{"accuracy": 1, "accuracy_low": 1, "accuracy_high": 1, "macro_f1": 1, "mcc": 1}'
METRICS = f'{{"cnn": {FIGURES}, "au": {FIGURES}, "au_baselines": {{}}}}'
RUN: dict[str, Content] = {
    "reports/evaluate/metrics.json": METRICS,
    "reports/evaluate/per_class.json": '{"cnn": {"sad": {"precision": 1}}}',
    "reports/prepare_fer/audit.json": "{}",
    "reports/train_cnn/history.csv": "epoch,accuracy,val_accuracy,loss,val_loss\n1,1,1,1,1\n",
    "reports/prepare_fer/classes.png": png(1),
    **{f"reports/evaluate/cnn_{name}.png": png(1) for name in ("confusion", "classes", "reliability")},
}
SUMMARY = [
    Case(
        "mien summary",
        ["reports/evaluate/metrics.json: cannot be read", "dvc repro"],
        {"reports/evaluate/metrics.json": text} if text else {},
    )
    for text in (
        "",
        "{",
        "[]",
        '{"cnn": 1}',
        '{"cnn": {}, "au": {}}',
        f'{{"cnn": {FIGURES}, "au": 1, "au_baselines": 1}}',
        "[" * 100_000,
    )
]
REPORT = [
    Case("mien exp report out --title t", ["Missing option '--command'"]),
    Case("mien exp report out --title t --command c", ["reports/evaluate/metrics.json: no such file", "dvc repro"]),
    *(
        Case("mien exp report out --title t --command c", [f"{name}: cannot be read", "dvc repro"], RUN | {name: text})
        for name, text in (
            ("reports/evaluate/metrics.json", "{"),
            ("reports/evaluate/metrics.json", '{"cnn": [1]}'),
            ("reports/evaluate/per_class.json", "{}"),
            ("reports/evaluate/per_class.json", '{"cnn": {}}'),
            ("reports/train_cnn/history.csv", ""),
            ("reports/train_cnn/history.csv", "a,b\n1,2\n"),
        )
    ),
    *(
        Case(f"mien exp report {name} --title t --command c", [f"{name}: has other files, expected a new or"], RUN)
        for name in (".", "src", "reports/evaluate")
    ),
    Case("mien exp report params.yaml --title t --command c", ["params.yaml: is a file, expected a folder"], RUN),
]  # fmt: skip
COMPARE = [
    Case("mien exp show", ["the experiments cannot be read"]),
    Case("mien exp show --rev nowhere", ["the experiments cannot be read"]),
    Case("mien exp compare", ["Missing argument 'NAME...'"]),
    Case("mien exp compare nothing --output out", ["experiment nothing: cannot be read"]),
    Case("mien exp compare nothing --output a.csv", ["a.csv: has the name of a file, expected the name of a folder"]),
    Case("mien exp compare nothing --output .", [".: has other files, expected a new or empty folder, or one with an"]),
    Case("mien exp compare --output out -- --help", ["experiment --help: cannot be read"]),
]
JOURNAL = ".mlflow-outbox/run/train_cnn/events.jsonl"
SYNC = [
    Case("mien mlflow sync", [f"{JOURNAL}: is damaged"], {JOURNAL: text})
    for text in ("{\n", "[1]\n", "1\n", '{"time": 1}\n', "[" * 100_000 + "\n", "\x00\xff\n")
] + [
    Case("mien mlflow sync", ["nonsense://x: MLflow's store or server does not work"],
         {JOURNAL: '{"kind": "start", "time": 1, "uri": "nonsense://x", "name": "a", "tags": {}}\n'}),
]  # fmt: skip
SEARCH = [
    Case("mien exp search none.yaml", ["none.yaml: no such file"]),
    Case("mien exp search none.yaml --trials 10001", ["--trials: found 10001, expected at most 10,000"]),
    Case("mien exp search none.yaml --output src", ["src: has other files, expected a new or empty folder, or one"]),
    Case("mien exp search none.yaml --trials 0", ["--trials: found 0, expected at least 1"]),
    *(
        Case("mien exp search space.yaml", [f"space.yaml: {says}"], {"space.yaml": text})
        for text, says in (
            ("[", "not valid YAML"),
            ("trials: x\ngrace_epochs: 1\ndraw: {train_cnn.epochs: [1]}\n", "trials: found 'x'"),
            ("trials: 1\ngrace_epochs: 1\ndraw: {}\n", "draw: found {}"),
            ("trials: 1\ngrace_epochs: 1\ndraw: {train_au.dropout: [0.1]}\n", "draw: found train_au.dropout"),
            ("trials: 1\ngrace_epochs: 1\ndraw: {train_cnn.epoch: [1]}\n", "train_cnn.epoch: unknown key"),
        )
    ),
]
REGISTER = [
    Case("mien mlflow register", ["nonsense://x: MLflow's store or server does not work"],
         environment={"MLFLOW_TRACKING_URI": "nonsense://x"}),
    Case("mien mlflow register --margin 2", ["--margin: found 2, expected 0 or more, below 1"]),
    Case("mien mlflow register --margin much", ["'--margin': 'much' is not a valid float"]),
]  # fmt: skip
DOCTOR = [
    Case("mien doctor", ["broken: DVC's files"], {".dvc/config": "", "dvc.lock": "stages:\n"}),
]
OTHER = [
    Case("mien dance", ["No such command 'dance'"]),
    Case("mien summary --now", ["No such option '--now'"]),
]

DRIFT = [
    Case("mien drift none --against none", ["none: no such file or folder"]),
    Case("mien drift none", ["Missing option '--against'"]),
]
COMMANDS = (
    IMAGE, VIDEO, WEBCAM, APP, SERVE, DRIFT, AUS, SCORE, CONVERT, ACTIONS, RECIPE, SUMMARY, REPORT, COMPARE, SEARCH,
    SYNC, REGISTER, DOCTOR, OTHER,
)  # fmt: skip


@cases(*COMMANDS)
def test_commands(
    case: Case, workspace: Repository, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    refused(case, workspace, monkeypatch, capfd)


def test_no_command_is_forgotten() -> None:
    tried = [f"{case.run} " for group in COMMANDS[:-1] for case in group]
    assert [name for name in command_names() if not any(run.startswith(f"{name} ") for run in tried)] == []
