"""Image sources: a folder, a zip, a table of pixels or paths, or arrays of `prepare_fer`."""
