"""The report on an action map: what it is made from, what was measured, and what it can and cannot mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mien.actions.action_map import ActionMap
from mien.actions.emotic_map import EmotionProfiles
from mien.emotions import FER2013
from mien.plots.actions import context_confusion, lift_heatmaps, ranked_bars
from mien.plots.png import save_png

#: Stands for "no context" in tables.
ANY = "any"

_MODELLED = "Contexts, by the model: P(context | emotion)"
_MEASURED = "EMOTIC's categories, as measured: P(category | emotion)"

_MEANING = """\
A suggestion is what this model, made of assumptions that you can read and change, holds likely. It can give a program
something sensible to show, or a person a list to choose from. It cannot tell what someone will do, or wants to do: no
data set says which action follows an emotion, so no figure here measures whether a suggestion is right. A facial
expression is not a feeling. Do not decide about people by it.
"""

_MODEL = """\
P(action | emotion, context) is the sum, over what a person may feel, of P(feeling | emotion) times how often the
feeling leads to the action in the context. Where the context is not known, it is averaged over. The formulas are in
`src/mien/actions/action_map.py`, the assumptions behind EMOTIC's map in `src/mien/actions/emotic_map.py`.

- Written by hand, without any measurement, in `src/mien/actions/tables`: the weights of actions (`actions.yaml`,
  `emotic_actions.yaml`), which EMOTIC category names which emotion (`emotic_emotions.yaml`), how a context feels and
  what fits it (`contexts.yaml`).
- Measured on EMOTIC, where it is given: which of its categories go with an emotion, and how the emotion feels.
- Counted in MPII: how common a context is, in its videos.
"""


def suggestions(actions: ActionMap, top: int) -> pd.DataFrame:
    """Return the most likely actions of each emotion in each context, and without context (ANY)."""
    tables = [
        actions.suggest(emotion, context, top=top).assign(emotion=emotion, context=context or ANY)
        for emotion in FER2013
        for context in (None, *actions.contexts)
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["emotion", "context", "rank", "action", "probability", "because"]].round(4)


def report(actions: ActionMap, metrics: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """Return the report in Markdown; `pictures` are files by heading."""
    parts = [
        "# Action map",
        f"Made of: {actions.source}.",
        "## What a suggestion means",
        _MEANING.strip(),
        "## How it is made",
        _MODEL.strip(),
        "## What was measured",
        *_measured(metrics),
        *(f"## {heading}\n\n![{heading}]({file})" for heading, file in pictures.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _measured(metrics: Mapping[str, Any]) -> list[str]:
    coverage = metrics["coverage"]
    parts = [
        f"Of {coverage['actions']} actions, {coverage['reachable']} are possible in some of {coverage['emotions']} "
        f"emotions and {coverage['contexts']} contexts, {coverage['in_some_top_10']} are among the ten likeliest of "
        "one."
    ]
    if emotic := metrics.get("emotic"):
        parts.append(_emotic(emotic))
    if agree := metrics.get("agreement"):
        parts.append(
            f"With the hand-written map: rank correlation {agree['rank_correlation']} (without the emotion: "
            f"{agree['rank_correlation_without_emotion']}), kappa {agree['kappa']}, {agree['common_in_top_10']:.0%} of "
            "the ten likeliest in common. One author wrote both tables of actions, so this says that EMOTIC does not "
            "contradict the table, no more."
        )
    if context := metrics.get("context"):
        parts.append(_context(context))
    if len(parts) == 1:
        parts.append("Nothing else: name data sets in `action_map.emotic` and `action_map.mpii`.")
    return parts


def _emotic(figures: Mapping[str, Any]) -> str:
    rows = {"all": figures, **figures["by_emotion"]}
    columns = ["emotion", "log-likelihood, nats", "without", "gain", "NDCG", "without", "gain"]
    cells = [[name, *_cells(row["log_likelihood"]), *_cells(row["ndcg"])] for name, row in rows.items()]
    parts = [
        f"How well the emotion predicts the other categories of EMOTIC's {figures['people_measured_on']:,} test "
        f"people. It was learnt from {figures['people_learnt_from']:,} people in other images, and is compared with "
        "one ranking for everyone. In brackets: the middle 95 % of bootstrap samples of images.",
        _markdown_table(columns, cells),
    ]
    if removed := figures["error_removed"]:
        shares = ", ".join(f"{name} {share:.1%}" for name, share in removed.items())
        parts.append(f"Share of the squared error that the emotion removes on the same people: {shares}.")
    return "\n\n".join(parts)


def _cells(figure: Mapping[str, Any]) -> list[str]:
    low, high = figure["gain_95"]
    return [str(figure["with_emotion"]), str(figure["without"]), f"{figure['gain']:+} [{low}, {high}]"]


def _context(figures: Mapping[str, Any]) -> str:
    rows = {name: value for name, value in figures.items() if isinstance(value, Mapping) and "accuracy" in value}
    rows |= {f"{name}, random split": value for name, value in figures["random_split"].items()}
    cells = [[name.replace("_", " "), f"{row['accuracy']:.1%}", f"{row['macro_f1']:.3f}"] for name, row in rows.items()]
    parts = [
        f"The context from the joints of {figures['people']:,} people of MPII, five-fold, runs of neighbours kept "
        f"together ({figures['runs']}):",
        _markdown_table(["", "accuracy", "macro F1"], cells),
        f"Log-loss {figures['log_loss']['classifier']} nats, {figures['log_loss']['without_pose']} without the pose.",
    ]
    return "\n\n".join(parts)


def _markdown_table(columns: list[str], cells: list[list[str]]) -> str:
    """Return a table with its first column aligned left and the others right."""
    aligned = ["left", *["right"] * (len(columns) - 1)]
    return pd.DataFrame(cells, columns=columns).to_markdown(index=False, disable_numparse=True, colalign=aligned)


def write_pictures(
    folder: Path,
    actions: ActionMap,
    profiles: EmotionProfiles | None,
    common: pd.Series,
    cases: pd.DataFrame | None,
    top: int,
) -> dict[str, str]:
    """Draw a map into a folder. Returns the files by heading.

    Args:
        folder: an existing one.
        actions: the map.
        profiles: the profiles it was made from, or None.
        common: how common each context is, relative to the others.
        cases: actual and predicted contexts, or None.
        top: how many actions of each emotion.
    """
    table = suggestions(actions, top)
    bars = table[table["context"] == ANY]
    panels = {_MODELLED: pd.DataFrame(actions.context_of_emotion.T, actions.contexts, list(FER2013))}
    overall = {_MODELLED: common / common.sum()}
    if profiles:
        panels[_MEASURED] = pd.DataFrame(profiles.categories.T, actions.feelings, list(FER2013))
        overall[_MEASURED] = pd.Series(profiles.overall, actions.feelings)
    headings = {
        "actions": "The likeliest actions",
        "emotions": "What goes with an emotion",
        "contexts": "Contexts: how common they are",
    }
    figures = {
        "actions": ranked_bars(bars, "emotion", "action", "probability", f"{headings['actions']}: {actions.source}"),
        "emotions": lift_heatmaps(panels, overall, headings["emotions"]),
        "contexts": context_confusion(common, cases, headings["contexts"]),
    }
    for name, figure in figures.items():
        save_png(figure, folder / f"{name}.png")
    return {heading: f"{name}.png" for name, heading in headings.items()}
