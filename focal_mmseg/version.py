"""The version of focal_mmseg."""

__version__ = '0.2.0'
