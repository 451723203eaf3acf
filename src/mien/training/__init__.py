"""Training a network: its plan, the course of it, where it begins, who teaches it, in how many processes."""
