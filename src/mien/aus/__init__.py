"""Facial Action Units: synthetic data, tables from coders and tools, and rules that read emotions from them."""
