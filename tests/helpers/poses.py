"""People with joints, whose pose tells their context."""

import numpy as np

from mien.actions.mpii import JOINTS, Poses

RNG = np.random.default_rng(0)
NAMES = ("running", "dancing", "walking")
WRISTS = [JOINTS.index("r wrist"), JOINTS.index("l wrist")]


def poses_in_runs(runs_of_each: int = 4, size: int = 100) -> Poses:
    """Return runs of people who hold their wrists at a height that their category has, with noise."""
    category = np.repeat(np.tile(NAMES, runs_of_each), size)
    joints = RNG.normal(0, 10, (len(category), 16, 2)) + np.arange(32).reshape(16, 2) * 8
    joints[:, WRISTS, 1] += 120 * np.array([NAMES.index(name) for name in category])[:, None]
    count = len(category)
    return Poses(
        joints=joints,
        scale=np.full(count, 1.5),
        image=np.array([f"{number:09d}.jpg" for number in RNG.permutation(count)]),
        video=np.full(count, -1),
        activity=category,
        category=category,
        unnamed=3,
    )
