"""Experiments with DVC in the repository here: recipes of params, reports of runs, runs side by side, searches."""
