"""Batches of five-channel JPEG images, checked."""

from typing import Any

import torch
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor

BLOCK = 8
CHANNELS = 5
REMEDY = (
    'Behind LoadJPEGArtifacts only transforms that keep the 8x8 grid may stand, as RandomGridCrop: take Resize, '
    'RandomFlip, RandomCrop, colour changes and --tta out'
)


@MODELS.register_module()
class JPEGDataPreProcessor(SegDataPreProcessor):
    """mmseg's ``SegDataPreProcessor`` for what :class:`LoadJPEGArtifacts` makes; refuses images that lost their grid.

    The colours are normalised already, so there is no mean, no std and no change of their order. An image whose
    quantisation table does not lie on its grid any more was resized, flipped or cropped off the grid: whatever a
    network says of it is wrong.

    Args:
        **options: Of ``SegDataPreProcessor``, as ``size`` and ``seg_pad_val``. Padding of images is 0.

    Raises:
        ValueError: If ``mean``, ``std``, ``bgr_to_rgb`` or ``rgb_to_bgr`` is given.
    """

    def __init__(self, **options: Any) -> None:
        given = [name for name in ('mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr') if options.get(name)]
        if given:
            raise ValueError(
                f'JPEGDataPreProcessor takes no {", ".join(given)}: LoadJPEGArtifacts normalises, set its mean and std'
            )
        super().__init__(**options)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """See ``SegDataPreProcessor``.

        Raises:
            ValueError: If an image has no five channels, or lost its grid; names the image.
        """
        for image, sample in zip(data['inputs'], data.get('data_samples') or [None] * len(data['inputs']), strict=True):
            require_grid(image, {} if sample is None else sample.metainfo)
        return super().forward(data, training)


def require_grid(image: Tensor, meta: dict[str, Any]) -> None:
    """Refuse an image that is none of :class:`LoadJPEGArtifacts`, or was changed behind it.

    Args:
        image (Tensor): Should be float of shape (5, H, W), H and W multiples of 8.
        meta (dict): ``jpeg_table`` (8, 8) and ``pad_shape``, the image's height and width as
            :class:`LoadJPEGArtifacts` or :class:`RandomGridCrop` left it; ``flip``, ``scale_factor`` and ``img_path``
            where there are such.

    Raises:
        ValueError: Names the image.
    """
    name = meta.get('img_path') or 'the image'
    if len(image) != CHANNELS:
        raise ValueError(
            f'{name}: JPEGDataPreProcessor takes the {CHANNELS} channels of LoadJPEGArtifacts, got {len(image)}: '
            'put it into the pipeline, behind LoadImageFromFile'
        )
    for key in ('jpeg_table', 'pad_shape'):
        if key not in meta:
            raise ValueError(f'{name}: PackSegInputs left {key!r} out: name it in its meta_keys')
    if _changed(image, meta):
        raise ValueError(f'{name} was resized, flipped, cropped or changed behind LoadJPEGArtifacts. {REMEDY}')
    rows, columns = (side // BLOCK for side in image.shape[1:])
    table = torch.as_tensor(meta['jpeg_table'], dtype=image.dtype, device=image.device)
    inside = image[4].unflatten(1, (columns, BLOCK)).unflatten(0, (rows, BLOCK))
    # Crops beyond the image are filled up with zeros.
    if not ((inside == table[None, :, None]) | (inside == 0)).all():
        raise ValueError(f'{name} has its quantisation table off its grid: {REMEDY}')


def _changed(image: Tensor, meta: dict[str, Any]) -> bool:
    """Whether another transform touched the image; the table alone does not tell where all its steps are the same."""
    shape = tuple(image.shape[1:])
    return (
        bool(meta.get('flip') or meta.get('scale_factor'))
        or shape != tuple(meta['pad_shape'])[:2]
        or any(side % BLOCK for side in shape)
        or not image.is_floating_point()
        or not bool((image[3] == image[3].round()).all())
    )
