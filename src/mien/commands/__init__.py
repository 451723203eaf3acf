"""The commands of `mien`, a file a subject: their arguments, and what of the library does the work.

Each file has `add`. The library is imported where a command runs, so that `mien --help` starts at once.
"""
