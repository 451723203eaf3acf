"""Networks: plain Keras 3 models, one file an architecture, its function named like the file.

Each takes raw input (uint8 pixels, AU intensities) and scales it itself.
"""
