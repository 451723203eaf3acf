"""Action Units of faces: synthetic ones, tables of people and tools, and the emotions read from them."""
