"""Names of classes, and labels that are merged into groups."""

import numpy as np
import pytest
from helpers.pictures import EMOTIONS

from mien._io.errors import InputError
from mien.emotions.label_sets import Merge, name_fault, similar


@pytest.mark.parametrize("name", ["engaged", "very happy", "level-2", "0", "müde", "a" * 50])
def test_a_class_may_have_nearly_any_name(name: str) -> None:
    assert name_fault(name) == ""


@pytest.mark.parametrize("name", ["", " a", "a/b", "../a", "a.b", "a,b", "a\nb", "skip", "Unsure", "emotion", "a" * 51])
def test_a_class_cannot_have_the_name_of_something_else(name: str) -> None:
    assert repr(name) in name_fault(name)


def test_the_opposite_of_a_class_is_not_similar_to_it() -> None:
    assert similar("disengaged", ["engaged"]) is None
    assert similar("not-engaged", ["engaged"]) is None
    assert similar("disapointed", ["disappointed"]) == "disappointed"
    assert similar("dis-engagd", ["disengaged", "engaged"]) == "disengaged"


def test_groups_take_the_place_of_their_first_label() -> None:
    merge = Merge.parse("negative=anger+disgust+fear+sad, positive=happy")
    assert merge == Merge.of({"negative": ["angry", "disgust", "fear", "sadness"], "positive": ["joy"]})
    assert merge.classes_of(EMOTIONS) == ["negative", "positive", "surprise", "neutral"]
    assert merge.class_of("disgust") == "negative"
    assert merge.class_of("neutral") == "neutral"
    votes = np.arange(14.0).reshape(2, 7)
    assert merge.sum_columns(votes, EMOTIONS).tolist() == [[0 + 1 + 2 + 4, 3, 5, 6], [7 + 8 + 9 + 11, 10, 12, 13]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("negative", "found 'negative', expected GROUP=LABEL"),
        ("negative=", "found 'negative='"),
        ("negative=sad+", "found no label in negative"),
        ("negative=sad+angry,low=sadness", "found 'sad' in negative and in low"),
        ("sad=fear,negative=sad", "found 'sad' in sad and in negative"),
        ("a=sad,a=angry", "found the group 'a' twice"),
        ("a/b=sad", "found 'a/b', expected a name"),
        ("skip=sad", "found 'skip', which has another meaning"),
    ],
)
def test_groups_of_another_form_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Merge.parse(text)


def test_groups_and_labels_without_images_are_refused() -> None:
    merge = Merge.parse("negative=angry+disgust,tired=bored")
    merge.check_used(["angry", "bored"])
    with pytest.raises(InputError, match=r"tired: found no image of 'bored', expected some; did you mean bred\?"):
        merge.check_used(["angry", "bred"])
    with pytest.raises(InputError, match="negative: found no image of angry, disgust, expected some of each group"):
        merge.check_used(["happy", "bored"])
    assert merge.notes({"angry": 3, "bored": 1000}) == [
        "negative is angry (3); no image is labelled disgust", "tired is bored (1,000)",
    ]  # fmt: skip
