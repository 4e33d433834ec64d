"""The version of focal_mmseg."""

__version__ = '0.1.0'
