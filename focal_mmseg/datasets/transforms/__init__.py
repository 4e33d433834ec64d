"""Transforms that forgery data need beyond mmseg's."""

from .filters import BoxBlur, GaussianBlur, MedianBlur, MotionBlur, NoiseResidual, Sharpen
from .forging import SquareForgery, SynthesizeForgery
from .geometry import ElasticTransform, GridDistortion, PadIfNeeded, RandomD4, RandomScale
from .image_transform import GeometryTransform, ImageTransform
from .jpeg_artifacts import LoadJPEGArtifacts, RandomGridCrop
from .loading import LimitPixels, LoadForgeryMask
from .noise import GaussianNoise, ISONoise
from .tones import BrightnessContrast, GammaCorrection, RandomToneCurve
from .transmission import DegradeByResize, Downscale, JPEGCompression, SaveAsPNG, SimulatedSocialNetwork

__all__ = [
    'BoxBlur',
    'BrightnessContrast',
    'DegradeByResize',
    'Downscale',
    'ElasticTransform',
    'GammaCorrection',
    'GaussianBlur',
    'GaussianNoise',
    'GeometryTransform',
    'GridDistortion',
    'ISONoise',
    'ImageTransform',
    'JPEGCompression',
    'LimitPixels',
    'LoadForgeryMask',
    'LoadJPEGArtifacts',
    'MedianBlur',
    'MotionBlur',
    'NoiseResidual',
    'PadIfNeeded',
    'RandomD4',
    'RandomGridCrop',
    'RandomScale',
    'RandomToneCurve',
    'SaveAsPNG',
    'Sharpen',
    'SimulatedSocialNetwork',
    'SquareForgery',
    'SynthesizeForgery',
]
