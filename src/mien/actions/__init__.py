"""Actions: suggests what a person with an emotion may do in a context, by a model whose assumptions are in tables."""

from mien.actions.action_map import ActionMap

__all__ = ["ActionMap"]
