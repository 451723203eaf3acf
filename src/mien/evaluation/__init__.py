"""Measures networks on labelled data: metrics, reports with plots, baselines, and the output of `mien score`."""
