"""Build the action map: P(action | emotion, context). It suggests; it does not measure what people do.

Without data sets, the map is the hand-written table. With EMOTIC, the stage measures which feelings people show in each
emotion. With MPII, it trains a classifier that tells the context from body joints. Figures of data sets that are not
given are absent. The map covers the seven emotions; a note names classes of prepare_fer without a known action.

Params: base, action_map
In:     src/mien/actions/tables/{actions,contexts,emotic_actions,emotic_emotions}.yaml, the data sets named in
        action_map.emotic and action_map.mpii
Out:    models/action_map/                    map.npz, and context.npz where MPII is given
        reports/action_map/actions.csv        emotion, context, rank, action, probability, because
        reports/action_map/metrics.json       coverage; with EMOTIC: emotic, agreement; with MPII: context
        reports/action_map/README.md          what it is made from, what was measured, what it can mean
        reports/action_map/actions.png        the most likely actions of each emotion
        reports/action_map/emotions.png       contexts, and EMOTIC's categories, by emotion
        reports/action_map/contexts.png       how common contexts are, and their confusion matrix
"""

import json
from typing import Any

import numpy as np

from mien._io.atomic import output_folders
from mien._io.checksums import save_checksums
from mien._io.errors import note
from mien.actions import ActionMap
from mien.actions.action_tables import example_activities, load_tables
from mien.actions.context_classifier import ContextClassifier, context_scores
from mien.actions.emotic import read_emotic
from mien.actions.emotic_map import emotic_map, estimate_profiles
from mien.actions.map_metrics import agreement, coverage, emotic_scores, held_out
from mien.actions.map_report import report, suggestions, write_pictures
from mien.actions.mpii import count_activities, read_mpii
from mien.actions.suggest import action_note
from mien.config import load_params
from mien.emotions import FER2013
from mien.emotions.label_sets import Merge
from mien.experiments import layout
from mien.experiments.mlflow import log_stage
from mien.experiments.stage import stage


@stage
def main() -> None:
    params, tables = load_params(), load_tables()
    given, seed = params.action_map, params.base.seed
    poses = read_mpii(given.mpii.path) if given.mpii.path else None
    emotic = given.emotic.path
    people = read_emotic(emotic, list(tables.category_actions.categories)) if emotic else None
    activities = count_activities(poses) if poses else example_activities(tables.contexts)
    actions = hand_written = ActionMap.hand_written(tables, activities)

    metrics: dict[str, Any] = {}
    profiles = classifier = cases = None
    if people:
        profiles = estimate_profiles(people.take(held_out(people)[0]), tables, given.smoothing)
        actions = emotic_map(profiles, tables, activities)
        metrics["emotic"] = emotic_scores(people, tables, given.smoothing, seed)
        metrics["agreement"] = agreement(actions, hand_written)
    if poses:
        metrics["context"], cases = context_scores(poses, seed)
        classifier = ContextClassifier.fit(poses, np.arange(len(poses.image)), seed)
    metrics["coverage"] = coverage(actions)

    common = activities.groupby("category")["weight"].sum().reindex(actions.contexts, fill_value=0)
    with (
        output_folders(layout.ACTION_MAP, layout.report("action_map")) as (model, folder),
        log_stage("action_map", params) as log,
    ):
        actions.save(model)
        if classifier:
            classifier.save(model)
        save_checksums(model)
        suggestions(actions, given.top).to_csv(folder / "actions.csv", index=False)
        (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        pictures = write_pictures(folder, actions, profiles, common, cases, given.top)
        (folder / "README.md").write_text(report(actions, metrics, pictures), encoding="utf-8")
        log.outputs(folder)
    if text := action_note(params.prepare_fer.classes or Merge.of(params.prepare_fer.merge).classes_of(FER2013)):
        note(f"params.yaml: prepare_fer: {text}")


if __name__ == "__main__":
    main()
