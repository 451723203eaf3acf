"""Videos and cameras: frames, faces that are followed from one to the next, and the emotions read from them."""
