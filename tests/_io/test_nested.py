from mien._io.nested import flatten, get_in, merge, remove_in, set_in, unflatten

TREE = {"a": {"b": 1, "c": {"d": [2]}}, "e": 3}


def test_keys_are_joined_by_dots_and_taken_apart() -> None:
    assert flatten({**TREE, "empty": {}}) == {"a.b": 1, "a.c.d": [2], "e": 3}
    assert unflatten(flatten(TREE)) == TREE


def test_a_value_is_found_by_its_key() -> None:
    assert get_in(TREE, "a.c.d") == [2]
    assert get_in(TREE, "a.b.d", "absent") == "absent"
    assert get_in(TREE, "x") is None


def test_a_value_is_set_or_removed_in_new_mappings() -> None:
    assert set_in(TREE, "a.c.f", 4) == {"a": {"b": 1, "c": {"d": [2], "f": 4}}, "e": 3}
    assert set_in(TREE, "e.f", 4) == TREE
    assert remove_in(TREE, "a.c.d") == {"a": {"b": 1}, "e": 3}
    assert TREE == {"a": {"b": 1, "c": {"d": [2]}}, "e": 3}


def test_later_values_replace_earlier_ones() -> None:
    assert merge(TREE, {"a": {"b": 5, "c": {"g": 6}}}) == {"a": {"b": 5, "c": {"d": [2], "g": 6}}, "e": 3}
