"""Networks: plain Keras 3 models, one file per architecture. The function has the name of the file.

Each network takes raw input (uint8 pixels or AU intensities) and scales it itself.
"""
