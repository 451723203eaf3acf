"""Turn the hand-written action table into probabilities: what a person in an emotion may do next. A suggestion only.

Params: action_map
In:     src/mien/tables/actions.yaml
Out:    reports/action_map/actions.csv    emotion, rank, action, probability
        reports/action_map/actions.png    the likeliest actions of each emotion
"""

from pathlib import Path

from mien import plots
from mien.actions import action_map, load_actions
from mien.params import load_params
from mien.stage import outputs, stage


@stage
def main() -> None:
    top = load_params().action_map.top
    actions = action_map(load_actions(Path("src/mien/tables/actions.yaml")))
    with outputs("reports/action_map") as (report,):
        actions.to_csv(report / "actions.csv", index=False)
        likeliest = actions[actions["rank"] <= top]
        figure = plots.ranked_bars(likeliest, "emotion", "action", "probability", "Suggested actions by emotion")
        plots.save(figure, report / "actions.png")


if __name__ == "__main__":
    main()
