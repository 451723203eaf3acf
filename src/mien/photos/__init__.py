"""Photos as people have them, and the emotions read from their faces."""
