"""The photos of people that `make wild` kept apart from the training of mien_wild, for benchmarks that need them."""

from pathlib import Path

import pandas as pd

from mien._io.nested import merge
from mien._io.yaml import check
from mien.config import Params, read_params
from mien.data.extra_faces import person_of
from mien.splits import stratified_group_split

RECIPE = Path("recipes/wild.yaml")  # laid over the params, it tells whose photos mien_wild did not learn from


def photos_held_out(index: pd.DataFrame) -> pd.Index:
    """Return the rows of photos of people whom mien_wild did not learn from.

    Args:
        index: what `read_images` tells of all photos that the recipe names, faces found as it says.
    """
    known = index[(index["hash"] != "") & (index["faces"] > 0) & ~index["hash"].duplicated()].reset_index()
    params = check(Params, merge(read_params(Path("params.yaml")), read_params(RECIPE)), RECIPE)
    section = params.oversample_augment.extra
    people = known["origin"].map(lambda origin: person_of(origin, section.person))
    rows = stratified_group_split(known["emotion"], people, section.test_share, "test_share", params.base.seed)
    return pd.Index(known["index"].loc[rows])
