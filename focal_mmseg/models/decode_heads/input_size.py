"""The size that a head's map is brought to."""

import torch


def input_size(meta: dict) -> tuple[int, int]:
    """Height and width of the network's input, by the rule of mmseg's ``BaseDecodeHead.predict_by_feat``.

    Args:
        meta (dict): Of an image: ``img_shape``, which is a ``torch.Size`` where the input is a part of the image, and
            ``pad_shape`` where it was padded.
    """
    if isinstance(meta['img_shape'], torch.Size):
        height, width = meta['img_shape']
    else:
        height, width = meta.get('pad_shape', meta['img_shape'])[:2]
    return height, width
