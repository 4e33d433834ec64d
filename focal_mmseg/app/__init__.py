"""A page in the browser to drop images on. Needs the extra ``app``."""

from .server import serve

__all__ = ['serve']
