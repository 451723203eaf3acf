"""DVC experiments in the current repository: recipes of params, reports of runs, comparisons, searches."""
