"""The action map: its tables, its probabilities, what is measured of it, and `mien actions`."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.commands import Run
from helpers.poses import poses_in_runs
from helpers.repository import Repository, outs
from helpers.stages import run_stage

from mien._io.errors import InputError
from mien.actions import ActionMap
from mien.actions.action_map import FILE
from mien.actions.action_tables import ACTIVITY, TABLES, Tables, example_activities, load_tables
from mien.actions.context_names import find_context
from mien.actions.emotic import EmoticAnnotations
from mien.actions.emotic_map import emotic_map, emotion_shares, estimate_profiles
from mien.actions.map_metrics import agreement, coverage, emotic_scores
from mien.actions.mpii import JOINTS
from mien.emotions import FER2013

HAPPY = FER2013.index("happy")


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="module")
def hand_written() -> ActionMap:
    return ActionMap.load()


def annotations(tables: Tables, *people: tuple[str, str, str, tuple[float, float, float]]) -> EmoticAnnotations:
    """Return people as (image, split, "Category Category", (valence, arousal, dominance))."""
    image, split, categories, vad = zip(*people, strict=True)
    names = list(tables.category_actions.categories)
    shown = [[name in text.split() for name in names] for text in categories]
    return EmoticAnnotations(np.array(image), np.array(split), np.array(shown), np.array(vad, float))


@pytest.fixture(scope="module")
def crowd(tables: Tables) -> EmoticAnnotations:
    """Happy people are excited, sad ones tired, in both splits; two people an image."""
    kinds = [("Happiness Excitement", (8, 7, 6)), ("Sadness Fatigue Yearning", (2, 3, 4)), ("Engagement", (5, 5, 5))]
    rows = [
        (f"{split}{row // 2}.jpg", split, *kinds[row % 3]) for split, count in (("train", 30), ("test", 60))
        for row in range(count)
    ]  # fmt: skip
    return annotations(tables, *rows)


def of(shares: np.ndarray, tables: Tables, emotion: str, category: str) -> float:
    """Return P(category | emotion)."""
    return shares[FER2013.index(emotion), list(tables.category_actions.categories).index(category)]


# --- tables -----------------------------------------------------------------------------------------------------------


def test_the_hand_written_table_has_ten_actions_an_emotion(tables: Tables) -> None:
    assert set(tables.hand_written.emotions) == set(FER2013)
    for of_emotion in tables.hand_written.emotions.values():
        assert len(set(of_emotion.actions) - {ACTIVITY}) >= 10
    assert len(tables.category_emotions.categories) == 26
    assert {emotion for emotion in tables.category_emotions.categories.values() if emotion} == set(FER2013) - {
        "neutral"
    }


def test_every_activity_is_in_a_context(tables: Tables) -> None:
    activities = example_activities(tables.contexts)
    assert set(activities["category"]) == set(tables.contexts.contexts)
    assert activities["activity"].is_unique
    assert (activities["weight"] > 0).all()


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("actions.yaml", "  happy:", "  joyful:", ["emotions", "missing or unknown"]),
        ("actions.yaml", "argue: 8", "argue: 0", ["emotions.angry.actions.argue", "greater than 0"]),
        ("emotic_actions.yaml", "  Peace:", "  Rest:", ["categories", "missing or unknown"]),
        ("emotic_actions.yaml", "hug someone: 4", "embrace: 4", ["actions: 'embrace'"]),
        ("emotic_emotions.yaml", "Anger: angry", "Anger: cross", ["categories.Anger", "'cross'"]),
        ("contexts.yaml", "rest: 2", "repose: 2", ["contexts.bicycling.fits", "'repose'"]),
        ("contexts.yaml", "tilt: 1.0", "tilt: -1.0", ["tilt", "-1.0"]),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path: Path, file: str, old: str, new: str, words: list[str]) -> None:
    for path in TABLES.glob("*.yaml"):
        text = path.read_text()
        assert path.name != file or old in text
        (tmp_path / path.name).write_text(text.replace(old, new, 1) if path.name == file else text)
    with pytest.raises(InputError) as raised:
        load_tables(tmp_path)
    for word in (file, *words):
        assert word in str(raised.value)


# --- probabilities ----------------------------------------------------------------------------------------------------


def test_probabilities_are_distributions(hand_written: ActionMap) -> None:
    emotions = np.random.default_rng(0).dirichlet(np.ones(7), 20)
    contexts = np.random.default_rng(1).dirichlet(np.ones(20), 20)
    for context in (None, "sports", "basketball", np.full(20, 0.05), contexts):
        predicted = hand_written.predict(emotions, context)
        assert list(predicted.columns) == list(hand_written.actions)
        np.testing.assert_allclose(predicted.sum(axis=1), 1)
        assert (predicted.to_numpy() >= 0).all()
    rows = [
        hand_written.predict(emotion, where).to_numpy()[0] for emotion, where in zip(emotions, contexts, strict=True)
    ]
    np.testing.assert_allclose(predicted, rows)


def test_the_weights_of_a_table_are_kept(hand_written: ActionMap, tables: Tables) -> None:
    predicted = hand_written.predict({"sad": 1}, "miscellaneous").iloc[0]
    weights = tables.hand_written.emotions["sad"].actions
    # Nothing in this context's fits is an action of the sad but these.
    assert not set(tables.contexts.contexts["miscellaneous"].fits) & set(weights)
    assert predicted["cry"] == pytest.approx(weights["cry"] / sum(weights.values()))
    assert predicted["sit and talk, play or make things by hand"] == pytest.approx(5 / sum(weights.values()))


def test_without_a_context_all_are_averaged_over(hand_written: ActionMap) -> None:
    of_contexts = np.array([hand_written.action_probabilities("fear", name) for name in hand_written.contexts])
    expected = hand_written.context_of_emotion[FER2013.index("fear")] @ of_contexts
    np.testing.assert_allclose(hand_written.action_probabilities("fear"), expected)


def test_emotions_mix(hand_written: ActionMap) -> None:
    mixed = hand_written.predict({"happy": 0.25, "fear": 0.75}, "sports").to_numpy()[0]
    np.testing.assert_allclose(
        mixed,
        0.25 * hand_written.action_probabilities("happy", "sports")
        + 0.75 * hand_written.action_probabilities("fear", "sports"),
    )
    by_name = hand_written.predict(np.array([0.75, 0.25]), "sports", classes=["scared", "joy"]).to_numpy()[0]
    np.testing.assert_allclose(by_name, mixed)


def test_a_context_rules_actions_out_and_brings_its_own(hand_written: ActionMap) -> None:
    anywhere, running = (hand_written.predict({"neutral": 1}, context).iloc[0] for context in (None, "running"))
    assert running["read"] == 0 < anywhere["read"]
    assert running["run"] > anywhere["run"] > 0
    assert running["dance"] == 0


def test_contexts_that_feel_like_the_emotion_are_more_common(hand_written: ActionMap, tables: Tables) -> None:
    shares = dict(zip(FER2013, hand_written.context_of_emotion, strict=True))
    dancing = list(hand_written.contexts).index("dancing")
    assert shares["happy"][dancing] > shares["neutral"][dancing] > shares["sad"][dancing]
    common = example_activities(tables.contexts).groupby("category")["weight"].sum()
    np.testing.assert_allclose(shares["neutral"], common.loc[list(hand_written.contexts)] / common.sum())


def test_suggestions_are_ranked_and_give_reasons(hand_written: ActionMap) -> None:
    suggested = hand_written.suggest({"happy": 0.8, "surprise": 0.2}, "dancing", top=98)
    assert list(suggested["rank"]) == list(range(1, len(suggested) + 1))
    assert suggested["probability"].is_monotonic_decreasing
    laugh = list(hand_written.actions).index("laugh")
    happy, surprise = (
        0.8 * hand_written.action_probabilities("happy", "dancing")[laugh],
        0.2 * hand_written.action_probabilities("surprise", "dancing")[laugh],
    )
    because = dict(zip(suggested["action"], suggested["because"], strict=True))
    assert because["laugh"] == f"happy {happy / (happy + surprise):.0%}, surprise {surprise / (happy + surprise):.0%}"
    assert because["smile at someone"] == "happy 100%"
    probabilities = hand_written.predict({"happy": 0.8, "surprise": 0.2}, "dancing")[suggested["action"]]
    np.testing.assert_allclose(suggested["probability"], probabilities.to_numpy()[0])
    with pytest.raises(InputError, match="expected one person's"):
        hand_written.suggest(np.eye(7))
    whole = hand_written.suggest("angry", "walking", top=1000)
    assert whole["probability"].sum() == pytest.approx(1)
    assert (whole["probability"] > 0).all()


@pytest.mark.parametrize(
    ("emotions", "context", "words"),
    [
        ({"happy": 0.6, "sad": 0.3}, None, ["row 1", "[0.6, 0.3]", "sum 0.9", "sum to 1"]),
        (np.array([np.eye(7)[0], np.full(7, np.nan)]), None, ["row 2", "nan"]),
        (np.array([1.5, -0.5, 0, 0, 0, 0, 0]), None, ["row 1", "-0.5"]),
        (np.ones((1, 6)), None, ["(1, 6)", "(N, 7)"]),
        ({"contempt": 1.0}, None, ["contempt", "angry, disgust"]),
        ({"happy": 0.5, "joy": 0.5}, None, ["happy, joy", "once"]),
        ({"bored": 1.0}, None, ["'bored'"]),
        ({"happy": 1.0}, np.full(20, 0.1), ["context, row 1", "sum 2"]),
        ({"happy": 1.0}, np.ones(3) / 3, ["context", "(1, 3)", "(N, 20)"]),
        (np.eye(7), np.eye(20), ["20 rows", "1 or 7"]),
    ],
)
def test_what_is_no_distribution_is_refused(
    hand_written: ActionMap, emotions: np.ndarray | dict[str, float], context: np.ndarray | None, words: list[str]
) -> None:
    with pytest.raises(InputError) as raised:
        hand_written.predict(emotions, context)
    for word in words:
        assert word in str(raised.value)


def test_probabilities_may_be_rounded(hand_written: ActionMap) -> None:
    predicted = hand_written.predict({"happy": 0.333, "sad": 0.333, "fear": 0.333})
    assert predicted.to_numpy().sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("sports", "sports"),
        ("  Music   PLAYING ", "music playing"),
        ("basketball", "sports"),
        ("Rope skipping", "sports"),
        ("yoga", "conditioning exercise"),
        ("running", "running"),
    ],
)
def test_contexts_by_name(hand_written: ActionMap, name: str, context: str) -> None:
    assert hand_written.context(name) == context


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", ["an empty name"]),
        ("sprots", ["'sprots'", "'sports'"]),
        ("guitar", ["'guitar'", "playing the guitar"]),
        ("qqq", ["'qqq'", "one of bicycling, conditioning exercise"]),
    ],
)
def test_contexts_that_are_unknown(hand_written: ActionMap, name: str, words: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        hand_written.context(name)
    for word in words:
        assert word in str(raised.value)


def test_an_activity_of_several_contexts_is_not_guessed() -> None:
    contexts = np.array(["water activities", "winter activities"])
    activities = np.array(["skiing, water", "skiing, downhill"])
    with pytest.raises(InputError, match="in several, expected one such as 'skiing, water'"):
        find_context("skiing", contexts, activities, contexts)


def test_a_map_survives_its_file(hand_written: ActionMap, tmp_path: Path) -> None:
    hand_written.save(tmp_path)
    loaded = ActionMap.load(tmp_path)
    assert loaded.source == hand_written.source
    np.testing.assert_array_equal(
        loaded.action_probabilities("sad", "basketball"), hand_written.action_probabilities("sad", "basketball")
    )
    data = (tmp_path / FILE).read_bytes()
    hand_written.save(tmp_path)
    assert (tmp_path / FILE).read_bytes() == data
    (tmp_path / FILE).write_bytes(data[:1000])
    with pytest.raises(InputError, match="cannot be read"):
        ActionMap.load(tmp_path)
    np.savez(tmp_path / FILE, source="another")
    with pytest.raises(InputError, match="cannot be read"):
        ActionMap.load(tmp_path)
    with pytest.raises(InputError, match=r"nowhere/map\.npz"):
        ActionMap.load(tmp_path / "nowhere")


# --- EMOTIC -----------------------------------------------------------------------------------------------------------


def test_people_belong_to_the_emotions_that_their_categories_name(tables: Tables) -> None:
    some = annotations(
        tables, ("a", "train", "Happiness Peace", (5, 5, 5)), ("b", "train", "Anger Fear Pain", (5, 5, 5)),
        ("c", "train", "Engagement", (5, 5, 5)),
    )  # fmt: skip
    expected = np.zeros((3, 7))
    expected[[0, 1, 1, 2], [FER2013.index(name) for name in ("happy", "angry", "fear", "neutral")]] = [1, 0.5, 0.5, 1]
    np.testing.assert_array_equal(emotion_shares(some, tables), expected)


def test_what_goes_with_an_emotion_is_counted(tables: Tables) -> None:
    some = annotations(
        tables,
        ("a", "train", "Happiness Peace", (8, 5, 5)),
        ("b", "train", "Happiness", (6, 5, 5)),
        ("c", "train", "Engagement", (4, 5, 5)),
        ("d", "train", "Sadness Fatigue", (2, 5, 5)),
        ("e", "train", "Sadness Fatigue", (np.nan, np.nan, np.nan)),
    )
    profiles = estimate_profiles(some, tables, smoothing=1e-9)
    np.testing.assert_allclose(profiles.categories.sum(axis=1), 1)
    assert of(profiles.categories, tables, "happy", "Happiness") == pytest.approx(0.75)
    assert of(profiles.categories, tables, "happy", "Peace") == pytest.approx(0.25)
    assert of(profiles.categories, tables, "sad", "Fatigue") == pytest.approx(0.5)
    np.testing.assert_allclose(profiles.categories[FER2013.index("fear")], profiles.overall)  # nobody: as everyone
    valence = (np.array([7, 2]) - 5) / np.std([8, 6, 4, 2])
    np.testing.assert_allclose(profiles.feels[[HAPPY, FER2013.index("sad")], 0], valence)
    assert profiles.feels[:, 1].tolist() == [0] * 7


def test_smoothing_adds_people_like_all(tables: Tables, crowd: EmoticAnnotations) -> None:
    little, much = (estimate_profiles(crowd, tables, smoothing) for smoothing in (1e-6, 1e9))
    np.testing.assert_allclose(much.categories, np.repeat(much.overall[None], 7, axis=0), atol=1e-6)
    assert of(little.categories, tables, "happy", "Excitement") > 0.49


def test_the_map_of_emotic_says_which_categories_lead_to_an_action(tables: Tables, crowd: EmoticAnnotations) -> None:
    actions = emotic_map(estimate_profiles(crowd, tables, 1), tables, example_activities(tables.contexts))
    assert "EMOTIC" in actions.source
    suggested = actions.suggest("sad", top=50).set_index("action")["because"]
    assert suggested["cry"].startswith("Sadness")
    assert suggested["yawn"].startswith("Fatigue")
    np.testing.assert_allclose(actions.predict(np.eye(7), "sports").sum(axis=1), 1)


def test_emotion_tells_what_goes_with_it(tables: Tables, crowd: EmoticAnnotations) -> None:
    figures = emotic_scores(crowd, tables, smoothing=1, seed=0)
    assert (figures["people_learnt_from"], figures["people_measured_on"], figures["images_measured_on"]) == (30, 60, 30)
    for name in ("log_likelihood", "ndcg"):
        low, high = figures[name]["gain_95"]
        assert 0 < low < figures[name]["gain"] < high
    assert figures["ndcg"]["with_emotion"] > 0.95
    assert figures["error_removed"]["valence"] > 0.9
    assert set(figures["by_emotion"]) == {"happy", "sad", "neutral"}


def test_emotion_tells_nothing_where_all_show_the_same(tables: Tables) -> None:
    rng = np.random.default_rng(0)
    names = ["Happiness", "Sadness", ""]
    rows = [
        (f"{split}{row}", split, f"{names[row % 3]} {rng.choice(['Peace', 'Pain', 'Esteem'])}", (5, 5, 5))
        for split in ("train", "test") for row in range(300)
    ]  # fmt: skip
    figures = emotic_scores(annotations(tables, *rows), tables, smoothing=10, seed=0)
    assert abs(figures["log_likelihood"]["gain"]) < 0.02
    assert figures["error_removed"]["valence"] == 0


def test_images_in_both_splits_are_not_learnt_from(tables: Tables, crowd: EmoticAnnotations) -> None:
    leaking = EmoticAnnotations(
        np.where(crowd.split == "train", "test0.jpg", crowd.image), crowd.split, crowd.categories, crowd.vad
    )
    with pytest.raises(InputError, match="of other images"):
        emotic_scores(leaking, tables, 1, 0)
    with pytest.raises(InputError, match="found people of train"):
        emotic_scores(crowd.take(crowd.split == "train"), tables, 1, 0)


def test_every_action_can_be_reached(tables: Tables, crowd: EmoticAnnotations, hand_written: ActionMap) -> None:
    everything = annotations(tables, *((name, "train", name, (5, 5, 5)) for name in tables.category_actions.categories))
    for actions in (
        hand_written,
        emotic_map(estimate_profiles(everything, tables, 1), tables, example_activities(tables.contexts)),
    ):
        figures = coverage(actions)
        assert (figures["emotions"], figures["contexts"]) == (7, 20)
        assert figures["reachable"] == figures["actions"] == 98
    some = coverage(emotic_map(estimate_profiles(crowd, tables, 1), tables, example_activities(tables.contexts)))
    assert some["in_some_top_10"] <= some["reachable"] < some["actions"]


def test_a_map_agrees_with_itself_and_not_with_one_without_emotion(hand_written: ActionMap) -> None:
    same = agreement(hand_written, hand_written)
    assert (same["rank_correlation"], same["kappa"], same["common_in_top_10"]) == (1, 1, 1)
    assert same["rank_correlation_without_emotion"] < 0.6


# --- the stage and the command ----------------------------------------------------------------------------------------


def data_sets(folder: Path) -> tuple[Path, Path]:
    """Write a small EMOTIC folder and MPII table."""
    emotic = folder / "emotic"
    emotic.mkdir()
    kinds = [
        ("['Happiness', 'Excitement']", "[8, 7, 6]"),
        ("['Sadness', 'Fatigue']", "[2, 3, 4]"),
        ("['Peace']", "[5, 5, 5]"),
    ]
    for split in ("val", "test"):
        rows = [("mscoco/images", f"{split}{row}.jpg", *kinds[row % 3]) for row in range(30)]
        columns = ["Folder", "Filename", "Categorical_Labels", "Continuous_Labels"]
        pd.DataFrame(rows, columns=columns).to_csv(emotic / f"{split}.csv", index_label="Index")
    poses = poses_in_runs(2)
    columns = [f"{joint}_{axis}" for joint in JOINTS for axis in "XY"]
    table = pd.DataFrame(np.abs(poses.joints).reshape(len(poses.image), -1).round(), columns=columns)
    labels = {"NAME": poses.image, "Scale": poses.scale, "Activity": poses.activity, "Category": poses.category}
    table.assign(**labels).to_csv(folder / "mpii.csv")
    return emotic, folder / "mpii.csv"


def made_map(stages: Repository) -> tuple[Path, Path]:
    """Run the stage; return the folders of its model and its report."""
    run_stage("action_map")
    return stages.path / "models/action_map", stages.path / "reports/action_map"


def reported() -> set[str]:
    """Return the names of what the stage writes beside its model."""
    return {path.name for path in outs("action_map") if path.parts[0] == "reports"}


def test_the_stage_without_data_sets_is_the_hand_written_map(stages: Repository, hand_written: ActionMap) -> None:
    model, report = made_map(stages)
    assert {path.name for path in model.iterdir()} == {FILE, "SHA256SUMS"}
    assert {path.name for path in report.iterdir()} == reported()
    assert ActionMap.load(model).source == hand_written.source
    assert set(json.loads((report / "metrics.json").read_text())) == {"coverage"}
    text = " ".join((report / "README.md").read_text().split())  # columns are padded
    assert "actions hand-written by the project, no measurement" in text
    assert "Nothing else" in text
    rows = pd.read_csv(report / "actions.csv")
    assert len(rows) == 7 * 21 * 5


def test_the_stage_with_data_sets_measures_what_can_be(mien: Run, stages: Repository, tmp_path: Path) -> None:
    emotic, mpii = data_sets(tmp_path)
    stages.set_params({"action_map": {"emotic": str(emotic), "mpii": str(mpii)}})
    model, report = made_map(stages)
    assert {path.name for path in model.iterdir()} == {FILE, "context.npz", "SHA256SUMS"}
    assert {path.name for path in report.iterdir()} == reported()
    metrics = json.loads((report / "metrics.json").read_text())
    assert set(metrics) == {"coverage", "emotic", "agreement", "context"}
    assert metrics["context"]["people"] == 600
    assert metrics["emotic"]["people_measured_on"] == 30
    text = " ".join((report / "README.md").read_text().split())  # columns are padded
    assert f"| all | {metrics['emotic']['log_likelihood']['with_emotion']} |" in text
    assert f"| classifier | {metrics['context']['classifier']['accuracy']:.1%} |" in text
    actions = ActionMap.load(model)
    assert actions.context("dancing") == "dancing"
    mien("happy", "--model", model, "--joints", mpii)


@pytest.fixture
def mien(mien: Run) -> Run:
    """Run `mien actions`."""
    return partial(mien, "actions")


def test_actions_of_an_emotion(mien: Run) -> None:
    out, err = mien("Happiness", "--context", "Basketball", "--top", "3")
    head, *rows, empty, note = out.splitlines()
    assert (head, empty, err) == ("happy | Basketball: sports", "", "")
    assert len(rows) == 3
    assert rows[0].split() == ["16.5%", "play", "happy", "100%"]
    assert note == "Suggestions, not predictions: actions hand-written by the project, no measurement."


def test_actions_as_json(mien: Run, hand_written: ActionMap) -> None:
    answer = json.loads(mien("happy=0.7", "surprise=0.3", "--json", "--top", "2")[0])
    assert answer["emotions"] == {"happy": 0.7, "surprise": 0.3}
    assert answer["contexts"] == {}
    assert answer["source"] == hand_written.source
    expected = hand_written.suggest({"happy": 0.7, "surprise": 0.3}, top=2)
    assert [row["action"] for row in answer["actions"]] == list(expected["action"])
    assert [row["probability"] for row in answer["actions"]] == list(expected["probability"].round(4))


def test_actions_need_neither_tensorflow_nor_scikit_learn() -> None:
    script = "import sys; from mien.cli import main; main(); sys.exit(bool({'keras', 'sklearn'} & set(sys.modules)))"
    command = [sys.executable, "-c", script, "actions", "happy"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
