"""Videos and cameras: frames in, tracked faces and recordings out."""
