"""Helpers that belong to no one part."""

from .files import written_whole

__all__ = ['written_whole']
