"""What labels mean: names, synonyms, numbers, and what looks misspelt."""

from pathlib import Path

import pytest
from helpers.pictures import numbers, picture, png, write_files, zipped

from mien._io.errors import InputError
from mien.data.label_notes import label_notes, seven_notes
from mien.data.labels import LabelNames, naming
from mien.data.readers.opening import open_source
from mien.emotions.label_sets import name_fault, normalized

UNUSED = "--labels (prepare_fer.label_names): no image is labelled"


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        ("happy", "happy"),
        ("Joy", "happy"),
        ("0_angry", "angry"),
        ("Happy Faces (1)", "happy"),
        ("02 - sad people", "sad"),
        ("1-disgust", "disgust"),
        ("03. Fear", "fear"),
        ("sad_04", "sad"),
        ("class_0_angry", "angry"),
        ("Emotion-joy", "happy"),
        ("fear (2)", "fear"),
        ("happy_faces", "happy"),
        ("faces", None),
        ("class", None),
        ("subject1", None),
        ("unknown", None),
        ("suprise", None),
        ("1", None),
        ("", None),
    ],
)
def test_a_word_names_an_emotion_with_or_without_a_number(label: str, emotion: str | None) -> None:
    assert LabelNames().emotion(label) == emotion
    assert LabelNames().code(label) is None


@pytest.mark.parametrize("label", ["1", "01", "001", "class1", "class001", "Class_01", "label 1", " 1 ", "1.0"])
@pytest.mark.parametrize("key", [1, "1", "01", "class001"])
def test_a_number_has_many_forms(label: str, key: int | str) -> None:
    assert LabelNames.of({key: "surprise"}).code(label) == "surprise"


@pytest.mark.parametrize("label", ["2", "-1", "1.5", "10", "class", "s1"])
def test_other_labels_are_not_that_number(label: str) -> None:
    assert LabelNames.of({1: "surprise"}).code(label) is None


def test_names_are_read_from_the_command_line() -> None:
    labels = LabelNames.parse(" 1=surprise, Suprise=Surprised ,noise=skip,")
    assert labels == LabelNames({"1": "surprise", "suprise": "surprise", "noise": "skip"})
    assert labels.emotion("SUPRISE") == "surprise"
    assert LabelNames.parse("") == LabelNames()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1", "found '1', expected LABEL=EMOTION"),
        ("=happy", "found '=happy'"),
        ("1=", "found '1='"),
        ("1=bored", "unknown emotion 'bored'"),
        ("1=happy,1=sad", "found the label '1' twice"),
        ("1:happy", "found '1:happy'"),
    ],
)
def test_names_of_another_form_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LabelNames.parse(text)


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        ("suprise", "surprise"),
        ("nuetral", "neutral"),
        ("3_hapy", "happy"),
        ("Angrry", "angry"),
        ("dissgust", "disgust"),
        ("dis-gust", "disgust"),
        ("unetral", "neutral"),
        ("unhappy", None),
        ("Un_Happy", None),
        ("non-neutral", None),
        ("not_angry", None),
        ("dishappy", None),
        ("anti surprise", None),
        ("unsurprized", None),
        ("3_unafraid", None),
        ("unknown", None),
        ("bored", None),
        ("confused", None),
        ("7", None),
        ("", None),
    ],
)
def test_what_looks_misspelt_gets_a_suggestion(label: str, emotion: str | None) -> None:
    assert LabelNames().suggestion(label) == emotion
    if emotion:
        with pytest.raises(InputError, match=f"did you mean {emotion}\\?.*--labels {label}={emotion}"):
            LabelNames().check(label)
    else:
        LabelNames().check(label)
        with pytest.raises(InputError, match="expected an emotion"):
            LabelNames(unknown="fail").check(label)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("1234567", "for RAF-DB 1=surprise,2=fear,3=disgust,4=happy,5=sad,6=angry,7=neutral"),
        ("0123456", "for FER2013 0=angry,1=disgust,2=fear,3=happy,4=sad,5=surprise,6=neutral"),
        ("01234567", "for AffectNet 0=neutral,1=happy"),
        ("7", "--labels 7=contempt"),
        ("89", "--labels 8=EMOTION"),
    ],
)
def test_the_numbers_of_published_sets_are_known(labels: str, words: str) -> None:
    assert words in naming(labels)


@pytest.mark.parametrize(
    ("classes", "label"),
    [
        (("खुशी", "दुःख"), "दुःख"),  # vowel signs are no letters to `re`
        (("สุข", "สูข"), "สูข"),
        (("ärgerlich", "ruhig"), "a\u0308rgerlich"),  # as macOS writes file names
        (("快乐", "悲伤"), "2_悲伤"),
        (("radost", "неуд"), "НЕУД"),
        (("😀", "😢"), "😢"),
    ],
)
def test_classes_in_any_script_are_told_apart(classes: tuple[str, str], label: str) -> None:
    own = LabelNames(classes=classes).own_class(label)
    assert own in classes
    assert normalized(str(own)) in normalized(label)
    assert normalized(classes[0]) != normalized(classes[1])


def test_names_of_classes_may_have_vowel_signs_and_no_pictures() -> None:
    assert [name_fault(name) for name in ("खुशी", "می\u200cخندد", "a\u0308rger")] == ["", "", ""]
    assert all(name_fault(name) for name in ("😀", "", " a", "a-", "a/b", "a" * 51))


def test_labels_with_accents_are_found_however_they_are_written() -> None:
    names = LabelNames.parse("Ärger=angry")
    assert names.emotion("a\u0308rger") == names.emotion("ärger") == "angry"


def test_numbers_of_several_data_sets_are_all_named() -> None:
    words = naming(map(str, range(8)))
    assert "for AffectNet 0=neutral," in words
    assert "for CK+ as a CSV 0=angry," in words


@pytest.mark.parametrize("kind", ["folder", "zip", "table", "csv"])
def test_a_name_for_a_label_that_no_image_has_is_said(tmp_path: Path, kind: str) -> None:
    folders = ("colère", "joie", "sad")
    files = {f"{folder}/{i}.png": png(i) for i, folder in enumerate(folders)}
    if kind == "csv":
        path = tmp_path / "a.csv"
        path.write_text("emotion,pixels\n" + "".join(f"{folder},{numbers(picture(1))}\n" for folder in folders))
    elif kind == "zip":
        path = zipped(tmp_path / "a.zip", files)
    else:
        images = {f"img/{i}.png": png(i) for i in range(3)}
        rows = "".join(f"{name},{label}\n" for name, label in zip(images, folders, strict=True))
        path = write_files(tmp_path, {**images, "t.csv": f"file,label\n{rows}".encode()} if kind == "table" else files)
    for name, expected in (("joie", []), ("colere", [f"{UNUSED} colere, 7; did you mean colère?"])):
        labels = LabelNames.of({name: "angry", "joie": "happy"} | ({7: "skip"} if expected else {}))
        with open_source(path, labels) as source:
            found = [entry.emotion for batch in source.batches(48) for entry in batch.entries]
            assert [text for text in label_notes(found, labels) if UNUSED in text] == expected
    labels = LabelNames.parse("colere=angry")
    if kind == "folder":
        (tmp_path / "sad/2.png").unlink()
        with (
            pytest.raises(InputError, match="no image is labelled colere; did you mean colère"),
            open_source(path, labels),
        ):
            pass


def test_own_classes_and_classes_behind_codes_are_labels_that_images_have(tmp_path: Path) -> None:
    path = write_files(tmp_path / "own", {f"{name}/{i}.png": png(i) for i, name in enumerate(("bored", "engaged"))})
    labels = LabelNames.of({"Bored": "bored"}, classes=["bored", "engaged"])
    with open_source(path, labels) as source:
        found = [entry.emotion for batch in source.batches(48) for entry in batch.entries]
    assert (found, label_notes(found, labels)) == (["bored", "engaged"], [])


@pytest.mark.parametrize("names", ["happy=skip,7=skip", "disgust=angry,7=skip"])
def test_names_hold_for_what_numbers_of_a_data_set_mean(tmp_path: Path, names: str) -> None:
    path, labels = tmp_path / "a.csv", LabelNames.parse(names)
    path.write_text("emotion,pixels\n" + "".join(f"{code},{numbers(picture(1))}\n" for code in (1, 3, 4)))
    with open_source(path, labels) as source:
        found = [entry.emotion for batch in source.batches(48) for entry in batch.entries]
    meant = {"disgust": "disgust", "happy": "happy"} | dict(part.split("=") for part in names.split(","))
    assert found == [meant["disgust"], meant["happy"], "sad"]
    assert seven_notes(found, labels) == []
    assert [text for text in label_notes(found, labels) if UNUSED in text] == [f"{UNUSED} 7"]
