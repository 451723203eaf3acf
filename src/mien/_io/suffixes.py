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
