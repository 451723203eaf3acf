"""Malformed input of every stage: exit code 2, one line that names it, no traceback, nothing is left."""

import shutil
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
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
    as_bytes,
    cases,
    npy,
    packed,
    refused,
)
from helpers.networks import brightness_network, change_metadata
from helpers.pictures import picture, png, write_files
from helpers.repository import Repository

from mien.aus.facs import COLUMNS
from mien.config import Distillation, Transfer
from mien.emotions import FER2013
from mien.inference.networks.pretrained import AU_NETWORK, FACE_NETWORKS

# --- params.yaml, which each stage reads as a whole -------------------------------------------------------------------

PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()
SEED = "seed: 20 "


def edited(old: str, new: str, *says: str) -> Case:
    assert old in PARAMS
    return Case("generate_aus", says, params=PARAMS.replace(old, new, 1))


IN_PARAMS = [
    edited(SEED, "seed: twenty", "base.seed", "'twenty'"),
    edited(SEED, "seed: -1", "base.seed: found -1"),
    edited(SEED, "seed: 1e400", "base.seed: found inf"),
    edited(SEED, f"seed: {'9' * 5000}", "not valid YAML", "5000 digits"),
    edited(SEED, "seed: null", "base.seed: found None"),
    edited(SEED, "sed: 20", "base.seed: missing"),
    edited(SEED, "1: 20", "base.seed: missing", "and 1 more"),
    edited(SEED, "seed: 20\n  speed: 1", "base.speed: unknown key"),
    edited(SEED, "seed: [", "params.yaml: not valid YAML"),
    edited(SEED, "seed: 2024-12-24", "base.seed: found '2024-12-24'"),
    edited(SEED, "seed: 20\n  seed: 21", "params.yaml: not valid YAML", "duplicate"),
    edited(SEED, "seed: *none", "params.yaml: not valid YAML", "undefined alias"),
    edited(SEED, "seed: !!set {20}", "base.seed: found"),
    edited(SEED, "{[1]: 2}: 20", "params.yaml: not valid YAML", "unhashable"),
    edited("samples: 2000", "samples: 200.5", "generate_aus.samples: found 200.5"),
    edited("samples: 2000", "samples: 1_000_000_000_000", "generate_aus.samples: found 1000000000000"),
    edited("samples: 2000", "samples: 3", "generate_aus: test: a share of 0.15 cannot be cut"),
    edited("- 95.0\n    - 100.0", "- 100.0\n    - 95.0", "generate_aus.intensities.positive", "low <= high"),
    edited("skew: 4.0", "skew: .inf", "generate_aus.intensities.skew", "finite"),
    edited("tables/prototypes.yaml", "tables/sed.yaml", "tables/sed.yaml: no such file"),
    edited("src/mien/aus/tables/prototypes.yaml", '"a\\0b"', "generate_aus.table: found 'a\\x00b'", "null characters"),
    edited("src/mien/aus/tables/prototypes.yaml", "n" * 5000, "nnn", "File name too long"),
    edited("labels: fer2013", "labels: ferplus_votes", "prepare_fer: ferplus.votes", "fer2013new.csv", "ferplus_votes"),
    edited("labels: fer2013", "labels: fer", "prepare_fer.labels: found 'fer'", "ferplus_majority"),
    edited("classes: []", "classes: [happy, b/red]", "prepare_fer.classes.1: found 'b/red'", "letters"),
    edited("classes: []", "classes: [happy, unsure]", "prepare_fer.classes.1: found 'unsure'", "another meaning"),
    edited("merge: {}", "merge: {low: [sad], lower: [sadness]}", "merge: found 'sad' in low and in lower"),
    edited("merge: {}", "merge: {low: sad}", "prepare_fer.merge.low: found 'sad'"),
    edited("classes: []", "classes: [sad, happy, sad]", "prepare_fer.classes", "each name once"),
    edited("method: augment", "method: smote", "oversample_augment.method: found 'smote'", "random"),
    edited("target: {}", "target: {sad: 0}", "oversample_augment.target.sad: found 0"),
    edited("learning_rate: 0.001", "learning_rate: .nan", "train_cnn.learning_rate", "finite"),
    edited(
        "teacher: src", "teacher: models/cnn/best.onnx #", "train_cnn.distillation.teacher", "copy it out of models/cnn"
    ),
    edited("real_aus: data/none/real_aus", "real_aus: 3", "evaluate.real_aus: found 3"),
    edited("source: data/none/labelled_aus", "source: ''", "train_au.source: found '', expected a path"),
    edited("combine: replace", "combine: both", "train_au.combine: found 'both'", "'replace' or 'add'"),
    edited("person: auto", "who: me\n    person: auto", "train_au.labelled.who: unknown key"),
    edited("share: 0.0 ", "share: 0.0\n    mixup: 0.2", "train_cnn.mixup.mixup: unknown key"),
    edited("tta: true", "tta: true\n  views: true", "found both evaluate.views and evaluate.tta"),
    edited("frozen_epochs: 0", "frozen_epochs: 8", "train_cnn: transfer.frozen_epochs: found 8"),
    edited("frozen_epochs: 0", "frozen_epochs: 2", "transfer.frozen_epochs: found 2, expected 0", "only if"),
    edited("weights: none", "weights: imagenet", "weights: found imagenet, expected none, or", "three_block"),
    edited("weights: none", "weights: mien", "weights: found mien, expected none, or path", "three_block"),
    edited("path: data/none/start_network", "path: models/cnn", "train_cnn.transfer.path", "copy it out of models/cnn"),
    edited(
        "weights: none",
        "weights: models/cnn",
        "train_cnn.transfer.weights",
        "'none', 'imagenet', 'mien' or 'mien_small'",
    ),
    *(
        Case("generate_aus", ["params.yaml: the whole file", "expected a mapping"], params=text)
        for text in ("", "- 1\n- 2\n", "text", "[" * 40 + "]" * 40)
    ),
    Case("generate_aus", ["params.yaml: not valid YAML", "recursion"], params="{a: " * 3000),
    Case(
        "generate_aus",
        ["params.yaml: cannot be read", "utf-8"],
        make=lambda f: (f / "params.yaml").write_bytes(b"\xff"),
    ),
    Case("generate_aus", ["params.yaml: no such file"], make=lambda f: (f / "params.yaml").unlink()),
]

# --- the stages -------------------------------------------------------------------------------------------------------


def table(text: str) -> Mapping[str, Content]:
    return {"table.yaml": f"source: test\nemotions:\n{text}"}


TABLE = {"generate_aus": {"table": "table.yaml"}}
GENERATE_AUS = [
    Case(
        "generate_aus",
        ["'surprise'", "'happy'", "cannot be drawn"],
        table(
            "  happy: {positive: [12], negative: [], optional: {}}\n"
            "  surprise: {positive: [5, 12], negative: [], optional: {}}\n"
        ),
        params=TABLE,
    ),
    Case(
        "generate_aus",
        ["table.yaml: emotions.happy: found AU 3"],
        table("  happy: {positive: [3], negative: [], optional: {}}\n"),
        params=TABLE,
    ),
    Case(
        "generate_aus",
        ["table.yaml: emotions: found 'bored'"],
        table("  bored: {positive: [1], negative: [], optional: {}}\n"),
        params=TABLE,
    ),
    Case("generate_aus", ["table.yaml: emotions: found None"], table(""), params=TABLE),
]

HEADER = f"{','.join(COLUMNS)},emotion,split"


def rows(text: str = "", header: str = HEADER) -> str:
    """Return what generate_aus writes, two rows an emotion and split, and further text."""
    splits = ("train", "validation", "test")
    lines = [f"{ROW},{emotion},{split}" for emotion in FER2013 for split in splits] * 2
    return "\n".join([header, *lines, text]).strip("\n") + "\n"


def of_generated(run: str, name: str) -> list[Case]:
    path = f"data/aus/{name}.csv"
    return [
        Case(run, [path, "No such file", "dvc repro"]),
        Case(run, [path, "cannot be read"], {path: ""}),
        Case(run, [f"{path}: found no column AU01"], {path: rows(header="a,b")}),
        Case(run, [f"{path}: found no column split"], {path: rows().replace("split", "part")}),
        Case(run, [f"{path}: row 43, column AU26: found 'x'"], {path: rows(f"{ROW[:-2]}x,sad,train")}),
        Case(run, [f"{path}: row 43, column AU26: found 101"], {path: rows(f"{ROW[:-2]}101,sad,train")}),
        Case(run, [f"{path}: row 43, column emotion: found 'bored'"], {path: rows(f"{ROW},bored,train")}),
        Case(run, [f"{path}: row 43, column split: found 'all'"], {path: rows(f"{ROW},sad,all")}),
        Case(
            run, [f"{path}: found no row of happy validation"], {path: rows().replace("happy,validation", "sad,test")}
        ),
    ]


RENDER_FACES = [
    *of_generated("render_faces", "exact"),
    Case(
        "render_faces",
        ["params.yaml: render_faces.proportions: found neutral"],
        params={"generate_aus": {"neutral": False}},
    ),
    Case(
        "render_faces",
        ["params.yaml: render_faces.proportions: found neutral, which is not in the AU table"],
        {"data/aus/exact.csv": "".join(line for line in rows().splitlines(keepends=True) if "neutral" not in line)},
    ),
]


def flipped(data: bytes, position: int, mask: int = 0xFF) -> bytes:
    return data[:position] + bytes([data[position] ^ mask]) + data[position + 1 :]


def links(**targets: str) -> Make:
    """Make a folder of faces in which further names are links."""

    def make(folder: Path) -> None:
        write_files(folder / "source", FACES)
        for name, target in targets.items():
            (folder / "source/train" / name).symlink_to(target)

    return make


def source(content: Content | Mapping[str, bytes], *says: str, **options: Any) -> Case:
    files = {"source": content} if isinstance(content, bytes | str) else {f"source/{n}": d for n, d in content.items()}
    params = {"prepare_fer": {"source": "source", **options}}
    return Case("prepare_fer", ["source", *says][::-1], files, params=params)


def csv_source(row: str, *says: str, header: str = "emotion,pixels,Usage") -> Case:
    return source(f"{header}\n{row}\n", *says)


ENCRYPTED = packed({"train/happy/1.png": png(1)})
VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def votes(text: str, *says: str) -> Case:
    params = {"prepare_fer": {"source": "source", "labels": "ferplus_majority", "ferplus": {
        "votes": "votes.csv", "ties": "drop", "unknown": "drop", "not_a_face": "drop", "share": 0.5}}}  # fmt: skip
    return Case("prepare_fer", says, {"source": packed(FACES), "votes.csv": text}, params=params)


PREPARE_FER = [
    Case("prepare_fer", ["source: no such file"], params={"prepare_fer": {"source": "source"}}),
    Case("prepare_fer", ["File name too long"], params={"prepare_fer": {"source": "s" * 5000}}),
    source("", "0 bytes"),
    source("faces\n", "not a whole zip", "fer2013.csv"),
    source(packed({f"train/happy/{i}.png": png(1) for i in range(50)})[:-200], "not a whole zip", "truncated"),
    source(packed({"train/happy/readme.txt": b"nothing"}), "found no image"),
    source(packed({}), "found no image"),
    source(packed({"train/bored/1.png": png(1)}), "train/bored/1.png", "'bored'", "expected an emotion"),
    source(packed({"1.png": png(1)}), "1.png", "no folder", "expected an emotion"),
    source(packed(FACES | {"train/happy/2.png": png(1)[:40]}), "train/happy/2.png", "not a readable image"),
    source(packed(FACES | {"train/happy/2.jpg": b""}), "train/happy/2.jpg", "not a readable image"),
    source(flipped(packed({"train/happy/2.png": png(1)} | FACES), 60), "train/happy/2.png", "not a readable image"),
    source(packed({"train/happy/1.png": png(1), "sad/2.png": png(1)}), "sad/2.png", "no split folder"),
    source(packed({"happy/1.png": png(1), "sad/2.png": png(2)}), "cannot be cut from 2 distinct cases"),
    source(flipped(ENCRYPTED, ENCRYPTED.index(b"PK\1\2") + 8, 1), "train/happy/1.png", "is encrypted"),
    source(flipped(ENCRYPTED, ENCRYPTED.index(b"PK\1\2") + 10, 93), "train/happy/1.png", "is compressed by method 93"),
    source(packed({"../train/happy/1.png": png(1)}), "../train/happy/1.png", "leads out of the zip"),
    source(packed({"faces.zip": packed({"more.zip": packed(FACES)})}), "found no image in an emotion folder"),
    source(packed({f"train/sad/{i}.bmp": bytes(2**25) for i in range(3)}, zipfile.ZIP_DEFLATED), "zip bomb"),
    source(packed(FACES | {"train/sad/\n\x1b[2J.png": b""}), "train/sad/\\n\\x1b[2J.png", "not a readable image"),
    source(packed({"test/happy/1.png": png(1), "val/sad/2.png": png(2)}), "'happy'", "no training image"),
    source(packed({f"{s}/happy/{i}.png": png(i) for i, s in enumerate(("train", "test"))}), "happy only"),
    source(
        packed(
            {f"train/{e}/{i}.png": png(i + 9 * k) for k, e in enumerate(("happy", "angry")) for i in range(9)}
            | {f"test/sad/{i}.png": png(i + 99) for i in range(9)}
        ),
        "'sad'",
        "no training image",
    ),
    source(packed(FACES), "no image of 'fear'", classes=["happy", "fear"]),
    source({"1.png": png(1)}, "1.png", "expected an emotion"),
    source({"happy/readme.txt": b""}, "found no image"),
    *(
        Case("prepare_fer", [words, "source"], make=make, params={"prepare_fer": {"source": "source"}})
        for words, make in (
            ("train/happy/2.png", links(**{"happy/2.png": "nowhere.png"})),
            ("train/fear: is a link to a folder above it", links(fear="../../source")),
        )
    ),
    csv_source(f"0,{PIXELS[2:]},Training", "row 1", "2,303 numbers", "2,304"),
    csv_source(f"0,{PIXELS[2:]} 256,Training", "row 1, pixel 2304", "'256'", "0..255"),
    csv_source(f"0,{PIXELS[2:]} {'0' * 5000},Training", "row 1, pixel 2304", "0..255"),
    csv_source(f"suprise,{PIXELS},Training", "row 1, column emotion", "'suprise'", "did you mean surprise"),
    source(
        f"emotion,pixels\n9,{PIXELS}\n", "row 1, column emotion", "'9'", "--labels 9=EMOTION", unknown_classes="fail"
    ),
    Case(
        "prepare_fer",
        ["prepare_fer: label_names.1: found 'bored'"],
        params={"prepare_fer": {"label_names": {1: "bored"}}},
    ),
    csv_source(f"0,{PIXELS},Train1", "row 1, column Usage", "'Train1'"),
    csv_source(f"0,{PIXELS}", "row 1: found 2 cells"),
    csv_source("0,Training", "not a whole zip", "fer2013.csv", header="emotion,pixel"),
    csv_source("7 7,Training", "no column emotion", header="pixels,Usage"),
    votes("a,b\n1,2\n", "votes.csv: found no column of votes for angry"),
    votes(f"{VOTES}\nTraining,fer0.png,{'x,' * 9}0\n", "votes.csv: row 1: found votes"),
    votes(f"{VOTES}\nTraining,fer0.png,{'1e300,' * 9}0\n", "votes.csv: row 1: found votes"),
    votes(f"{VOTES}\nTraining,fer0.png,{'1,' * 9}0\n", "votes.csv: found votes for 1 rows, expected some for row 2"),
    votes("", "votes.csv: cannot be read"),
]


PIXELS_OF_3 = np.stack([picture(i) for i in range(3)])


def arrays(folder: str, split: str, **changes: Content) -> dict[str, Content]:
    """Return three images as prepare_fer writes them, some of the files changed."""
    files: dict[str, Content] = {"images": npy(PIXELS_OF_3), "labels": npy(LABELS_OF_3), **changes}
    named = {f"{folder}/{split}_{name}.npy": data for name, data in files.items() if name != "classes"}
    return named | {f"{folder}/classes.json": changes.get("classes", '["angry", "happy", "sad"]')}


def of_arrays(run: str, folder: str, split: str, others: Mapping[str, Content] = {}) -> list[Case]:
    def case(*says: str, **changes: Content) -> Case:
        return Case(run, [f"{folder}: {split} images", *says], {**others, **arrays(folder, split, **changes)})

    def classes(text: str, *says: str) -> Case:
        return Case(run, [f"{folder}/classes.json", *says], {**others, **arrays(folder, split, classes=text)})

    return [
        Case(run, [folder, f"{split}_images.npy", "dvc repro"], others),
        case("cannot be read", images=b""),
        case("cannot be read", images=npy(PIXELS_OF_3)[:1000]),
        case("cannot be read", labels=b"\x93NUMPY\1\0\xff\xff{"),
        case("found pixels float64 (3, 48, 48)", images=npy(PIXELS_OF_3 / 255)),
        case("found pixels uint8 (0, 48, 48)", images=npy(PIXELS_OF_3[:0])),
        case("found labels uint8 (2,) for 3 images", labels=npy(LABELS_OF_3[:2])),
        case("found a label 9 for 3 classes", labels=npy(LABELS_OF_3 + 7)),
        case("cannot be read", labels=npy(LABELS_OF_3.astype(object))),
        case("found votes that do not sum to 1", votes=npy(np.full((3, 3), 0.5, np.float32))),
        case("found votes float32 (3, 2)", votes=npy(np.full((3, 2), 0.5, np.float32))),
        case("found extra bool (2,) for 3 images", extra=npy(np.zeros(2, bool))),
        case("found extra uint8 (3,) for 3 images", extra=npy(np.zeros(3, np.uint8))),
        classes("{", "is not JSON"),
        classes('["angry", "sad", "sad"]', "distinct names"),
        classes("[1, 2, 3]", "distinct names"),
        classes("[" * 100_000, "is not JSON"),
    ]


BALANCED = arrays("data/balanced", "train") | {"data/balanced/class_weights.json": '{"angry": 1, "happy": 1, "sad": 1}'}
VALIDATED = arrays("data/fer", "validation")
OVERSAMPLE_AUGMENT = [
    *of_arrays("oversample_augment", "data/fer", "train"),
    Case("oversample_augment", ["found no image of 'sad'"], arrays("data/fer", "train", labels=npy(LABELS_OF_3 // 2))),
    Case(
        "oversample_augment",
        ["oversample_augment: target: found 'fear'"],
        arrays("data/fer", "train"),
        params={"oversample_augment": {"target": {"fear": 9}}},
    ),
]
TRAIN_AU = of_generated("train_au", "realistic")
TAUGHT = Distillation(teacher="nowhere", ensemble=[], precision="fp32", share=0.5, views=0, extra=True).model_dump()
TRAIN_CNN = [
    *of_arrays("train_cnn", "data/balanced", "train")[:1],
    *of_arrays("train_cnn", "data/fer", "validation", BALANCED)[-1:],
    Case(
        "train_cnn",
        ["class_weights.json: found weights [1.0, 1.0, -1.0]"],
        VALIDATED | BALANCED | {"data/balanced/class_weights.json": '{"angry": 1, "happy": 1, "sad": -1}'},
    ),
    Case(
        "train_cnn",
        ["data/fer: found validation images of classes ['sad', 'happy'"],
        BALANCED | arrays("data/fer", "validation", classes='["sad", "happy", "angry"]'),
    ),
    Case(
        "train_cnn",
        ["train_cnn.transfer.path: found 'nowhere.h5'"],
        BALANCED | VALIDATED,
        params={
            "train_cnn": {
                "network": "vgg16",
                "transfer": Transfer.from_weights("nowhere.h5", 48).model_dump(mode="json"),
            }
        },
    ),
    Case(
        "train_cnn",
        ["train_cnn.transfer.path: found no best.keras in data/fer, expected a folder that train_cnn wrote"],
        BALANCED | VALIDATED,
        params={
            "train_cnn": {
                "transfer": Transfer.from_weights("data/fer").model_dump(mode="json"),
            }
        },
    ),
    Case(
        "train_cnn",
        ["train_cnn.distillation.teacher", "found 'nowhere', expected mien_wild, mien, mien_small"],
        BALANCED | VALIDATED,
        params={"train_cnn": {"distillation": TAUGHT}},
    ),
]


def measured(changes: Mapping[str, Content | None] = {}, network: Make = brightness_network) -> Make:
    """Make what evaluate reads, some files changed, None for none."""

    def make(folder: Path) -> None:
        files = {"models/au/best.onnx": AU_NETWORK.read_bytes()}
        files |= {name: as_bytes(data) for name, data in arrays("data/fer", "test").items()}
        index = "origin,emotion,split,hash,dropped\n" + "".join(f"{i}.png,sad,test,{i},\n" for i in range(3))
        files |= {"data/aus/realistic.csv": rows().encode(), "data/fer/index.csv": index.encode()}
        network(folder / "models/cnn")
        shutil.copy(folder / "models/cnn/best.onnx", folder / "models/cnn/best_int8.onnx")
        write_files(folder, files | {name: as_bytes(data) for name, data in changes.items() if data is not None})
        for name in [name for name, data in changes.items() if data is None]:
            (folder / name).unlink()

    return make


def describes(folder: Path, changes: Mapping[str, str]) -> None:
    """Write a network that says other things about itself."""
    change_metadata(brightness_network(folder), changes)


def evaluated(says: Sequence[str], changes: Mapping[str, Content | None], **params: Any) -> Case:
    return Case("evaluate", says, make=measured(changes), params=params)


EVALUATE = [
    Case("evaluate", ["found 'models/au', expected mien_au, a folder"]),
    evaluated(["models/cnn: no model"], {"models/cnn/best.onnx": None}),
    evaluated(["models/cnn/best.onnx: not a readable ONNX model"], {"models/cnn/best.onnx": "nothing"}),
    evaluated(["found int8, but there is no models/cnn/best_int8.onnx"], {"models/cnn/best_int8.onnx": None}),
    *(
        Case(
            "evaluate",
            [f"models/cnn/best.onnx: mien.temperature: found {text!r}"],
            make=measured(network=partial(describes, changes={"mien.temperature": text})),
        )
        for text in ("", "0", "nan", "true")
    ),
    evaluated(["models/cnn: found classes"], arrays("data/fer", "test", classes='["sad", "happy", "fear"]')),
    evaluated(["models/au/best.onnx", "expected a network for 17 AUs"], {
        "models/au/best.onnx": FACE_NETWORKS["mien_small"].read_bytes()}),
    evaluated(["data/aus/realistic.csv: row 43, column emotion"], {"data/aus/realistic.csv": rows(f"{ROW},odd,test")}),
    evaluated(["data/fer/index.csv", "No such file"], {"data/fer/index.csv": None}),
    evaluated(["data/fer/index.csv: found no column split"], {"data/fer/index.csv": "a,b\n1,2\n"}),
    evaluated(["data/fer/index.csv: found 1 test images"], {"data/fer/index.csv": "split,hash,dropped\ntest,a,\n"}),
    evaluated(["real.csv: cannot be read"], {}, evaluate={"real_aus": "real.csv"}),
    evaluated(["real.csv: found no column emotion"], {"real.csv": f"{','.join(COLUMNS)}\n{ROW}\n"},
              evaluate={"real_aus": "real.csv"}),
    evaluated(["real.csv: row 1, column emotion: unknown emotion 'odd'"],
              {"real.csv": f"{','.join(COLUMNS)},emotion\n{ROW},odd\n"}, evaluate={"real_aus": "real.csv"}),
    evaluated(["real.csv: found 1 rows of one emotion"], {"real.csv": f"{','.join(COLUMNS)},emotion\n{ROW},sad\n"},
              evaluate={"real_aus": "real.csv"}),
    Case("evaluate", ["models/cnn/best.onnx", "not probabilities"],
         make=measured(network=lambda folder: answers_logits(folder))),
]  # fmt: skip


EMOTIC = "Folder,Filename,Categorical_Labels,Continuous_Labels\nmscoco,a.jpg,"


def data_set(name: str, content: Mapping[str, Content], *says: str) -> Case:
    path = next(iter(content), "given")
    given = path.split("/")[0]
    return Case("action_map", [given, *says][::-1], content, params={"action_map": {name: given}})


ACTION_MAP = [
    data_set("emotic", {}, "no such file or folder"),
    data_set("emotic", {"emotic/readme.txt": ""}, "found no train.csv"),
    data_set("emotic", {"emotic/train.csv": ""}, "train.csv: cannot be read"),
    data_set("emotic", {"emotic/train.csv": "a,b\n1,2\n"}, "no column Folder"),
    data_set("emotic", {"emotic/train.csv": f'{EMOTIC}"[\'Bored\']","[1,2,3]"\n'}, "row 1", "'Bored'"),
    data_set("emotic", {"emotic/train.csv": f'{EMOTIC}"Peace","[1,2,3]"\n'}, "row 1", "a list of categories"),
    data_set("emotic", {"emotic/train.csv": f'{EMOTIC}"{"[" * 999}","[1,2,3]"\n'}, "row 1", "a list of categories"),
    data_set("emotic", {"emotic/train.csv": f'{EMOTIC}"[\'Peace\']","[1,2,99]"\n'}, "row 1", "expected 1..10"),
    data_set("emotic", {"emotic/train.csv": f"{EMOTIC}\"['Peace']\",{'[' * 9999}\n"}, "row 1", "a list of numbers"),
    data_set("emotic", {"emotic/train.csv": f'{EMOTIC}"[\'Peace\']","[1,2,3]",4\n'}, "rows of more cells"),
    data_set("emotic", {"emotic.mat": b"MATLAB 5.0 and no more"}, "cannot be read"),
    data_set("mpii", {}, "no such file"),
    data_set("mpii", {"mpii.csv": b"\xff\xfe\0"}, "cannot be read"),
    data_set("mpii", {"mpii.csv": JOINTS}, "no column 'r ankle_X'"),
    data_set("mpii", {"mpii.mat": b""}, "cannot be read"),
]

STAGES = (
    IN_PARAMS, GENERATE_AUS, RENDER_FACES, PREPARE_FER, OVERSAMPLE_AUGMENT, TRAIN_AU, TRAIN_CNN, EVALUATE, ACTION_MAP,
)  # fmt: skip


@cases(*STAGES)
def test_stages(
    case: Case, workspace: Repository, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    refused(case, workspace, monkeypatch, capfd)


def test_dvc_says_what_the_stage_said(spare: Repository) -> None:
    spare.set_params({"generate_aus": {"samples": 3}})
    result = spare.run("dvc", "repro", "generate_aus")
    spare.ok("git", "checkout", "--quiet", ".")
    assert result.returncode != 0
    assert "error: params.yaml: generate_aus: test: a share of 0.15 cannot be cut" in result.stderr
    assert "exited with 2" in result.stderr
    assert not (spare.path / "data/aus/exact.csv").exists()


def test_no_stage_is_forgotten() -> None:
    stages = {path.stem for path in (Path(__file__).parents[2] / "stages").glob("*.py")}
    assert stages == {case.run for group in STAGES for case in group}
