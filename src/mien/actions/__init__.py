"""Actions: what a person in an emotion and context may do, suggested by a model whose assumptions are in tables."""

from mien.actions.action_map import ActionMap

__all__ = ["ActionMap"]
