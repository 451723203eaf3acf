"""Tables of Action Units: emotions, baselines and statistics of people."""
