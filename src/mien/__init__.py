"""mien reads emotion from faces and from facial Action Units."""
