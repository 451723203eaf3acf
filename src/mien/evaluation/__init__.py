"""What networks are worth on labelled data: figures, reports with pictures, baselines, and what `mien score` says."""
