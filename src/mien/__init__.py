"""mien reads emotion from faces and from facial Action Units."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else ONNX Runtime, when it is imported, reports to its makers
