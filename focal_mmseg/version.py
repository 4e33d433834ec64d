"""The version of focal_mmseg."""

__version__ = '0.3.0'
