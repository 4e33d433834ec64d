"""Transforms that forgery data need beyond mmseg's."""

from .degrade_by_resize import DegradeByResize
from .gamma_correction import GammaCorrection
from .gaussian_blur import GaussianBlur
from .gaussian_noise import GaussianNoise
from .geometry import ElasticWarp, GridWarp, PadToAtLeast, RandomMirrorOrTurn, RandomScale
from .jpeg_compression import JPEGCompression
from .limit_pixels import LimitPixels
from .load_forgery_mask import LoadForgeryMask
from .load_jpeg_artifacts import LoadJPEGArtifacts
from .noise_residual import NoiseResidual
from .other_blurs import BoxBlur, MedianBlur, MotionBlur
from .picture_transform import GeometryTransform, PictureTransform
from .random_grid_crop import RandomGridCrop
from .save_as_png import SaveAsPNG
from .simulated_social_network import SimulatedSocialNetwork
from .square_forgery import SquareForgery
from .synthesize_forgery import SynthesizeForgery
from .tones_and_grain import BrightnessContrast, LowerAndBack, SensorNoise, Sharpen, ToneCurve

__all__ = [
    'BoxBlur',
    'BrightnessContrast',
    'DegradeByResize',
    'ElasticWarp',
    'GammaCorrection',
    'GaussianBlur',
    'GaussianNoise',
    'GeometryTransform',
    'GridWarp',
    'JPEGCompression',
    'LimitPixels',
    'LoadForgeryMask',
    'LoadJPEGArtifacts',
    'LowerAndBack',
    'MedianBlur',
    'MotionBlur',
    'NoiseResidual',
    'PadToAtLeast',
    'PictureTransform',
    'RandomGridCrop',
    'RandomMirrorOrTurn',
    'RandomScale',
    'SaveAsPNG',
    'SensorNoise',
    'Sharpen',
    'SimulatedSocialNetwork',
    'SquareForgery',
    'SynthesizeForgery',
    'ToneCurve',
]
