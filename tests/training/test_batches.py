"""Batches show each row once per epoch, in an order and with an augmentation that the seed decides."""

import numpy as np

from mien.training.batches import Batches


def test_an_epoch_shows_each_row_once_with_its_label_and_the_next_in_another_order() -> None:
    rows = np.arange(100)
    batches = Batches(rows, np.eye(3)[rows % 3], batch_size=32, seed=7)
    first = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert all((batches[i][1].argmax(axis=1) == batches[i][0] % 3).all() for i in range(len(batches)))
    batches.set_epoch(1)
    second = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert sorted(first) == sorted(second) == list(rows)
    assert not np.array_equal(first, second)


def test_a_batch_is_augmented_the_same_way_each_time_it_is_asked_for() -> None:
    zeros = np.zeros((64, 2))
    batches = Batches(zeros, zeros, 32, seed=7, augment=lambda x, y, rng: (x + rng.random(x.shape), y))
    assert np.array_equal(batches[1][0], batches[1][0])
    assert not np.array_equal(batches[0][0], batches[1][0])


def test_replicas_share_a_batch_evenly_and_leave_out_the_remainder() -> None:
    rows = np.arange(101)
    batches = Batches(rows, rows, batch_size=32, seed=7, replicas=4)
    assert [len(batches[number][0]) for number in range(len(batches))] == [32, 32, 32, 4]
