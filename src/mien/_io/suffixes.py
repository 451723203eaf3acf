"""Suffixes of files by what they are."""

#: Pictures that mien reads.
PICTURES = (
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo", ".png", ".tif",
    ".tiff", ".webp",
)  # fmt: skip
#: Other files that are no text, and that an output of text would be taken for.
BINARY = (
    *PICTURES, ".avi", ".bz2", ".gz", ".mkv", ".mov", ".mp4", ".npy", ".npz", ".onnx", ".pdf", ".webm", ".xlsx", ".xz",
    ".zip",
)  # fmt: skip
#: Files that a folder is not called like.
FILES = (
    *BINARY, ".csv", ".h5", ".hdf5", ".html", ".json", ".jsonl", ".md", ".parquet", ".pkl", ".tar", ".tsv", ".txt",
    ".yaml", ".yml",
)  # fmt: skip
