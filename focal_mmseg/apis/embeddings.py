"""The embeddings of a trained network, on the images of its test set or on one image."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmseg.apis import init_model
from mmseg.registry import DATASETS
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.engine.checkpoint import load_to_test, load_weights
from focal_mmseg.utils import read_config
from focal_mmseg.utils.progress import track
from focal_mmseg.weights import DEFAULT, find_config

# The widths of what the network that ships gives: its embeddings, and what they are made of.
WIDTHS = (32, 256)
STRIDE = 8


def embed_test_set(
    cfg: Config, checkpoint: str, most: int | None = None, side: int | None = None
) -> list[tuple[Tensor, np.ndarray]]:
    """The embeddings (C, h, w) and the truth, bool (H, W), of each image.

    Args:
        cfg (Config): Of the model and its ``test_dataloader``.
        checkpoint (str): Its weights.
        most (int, optional): Take so many images, spread over the set. Defaults to all.
        side (int, optional): Resize the images to this, for larger maps than the config's.
    """
    pipeline = cfg.test_dataloader.dataset.pipeline
    for step in pipeline if side else ():
        if step['type'] == 'Resize':
            step['scale'] = (side, side)
    model = init_model(cfg, None, 'cpu')
    load_to_test(model, load_weights(checkpoint), checkpoint)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    chosen = np.linspace(0, len(dataset) - 1, min(most or len(dataset), len(dataset))).round().astype(int)
    found = []
    for index in track(chosen.tolist(), 'images'):
        sample = dataset[index]
        batch = model.data_preprocessor(pseudo_collate([sample]), training=False)
        with torch.no_grad():
            embeddings = model(batch['inputs'], mode='tensor')[0]
        found.append((embeddings, sample['data_samples'].gt_sem_seg.data[0].numpy() == 1))
    return found


def embed_image(image: str, side: int, width: int) -> Tensor:
    """What the network that ships makes of an image.

    Args:
        image (str): An image file. It is resized to ``8 * side`` and compressed to a JPEG of quality 90.
        side (int): Of the map, in points.
        width (int): 32 for the network's embeddings. 256 for its features of several layers side by side, each bilinear
            at the same stride: 128 of the neck, 64 of the JPEG stream, 40 and 24 of the image stream.

    Returns:
        Tensor: Unit-length float32 of shape (side * side, width).
    """
    cfg = read_config(find_config(DEFAULT))
    model = init_model(cfg, None, 'cpu')
    load_to_test(model, load_weights(cfg.weights), cfg.weights)
    steps = [step for step in cfg.test_dataloader.dataset.pipeline if step['type'] != 'LoadForgeryMask']
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / 'resized.jpg'
        with Image.open(image) as opened:
            opened.convert('RGB').resize((STRIDE * side,) * 2, Image.Resampling.BICUBIC).save(path, quality=90)
        sample = Compose(steps)(dict(img_path=str(path), reduce_zero_label=False, seg_fields=[]))
        inputs = model.data_preprocessor(pseudo_collate([sample]), training=False)['inputs']
        if width == WIDTHS[0]:
            maps = [model(inputs, mode='tensor')[0][None]]
        else:
            low, high, _, jpeg, _ = levels = model.backbone(inputs)
            maps = [model.neck(levels)[0], jpeg, high, low]
    same = [F.interpolate(map_, (side, side), mode='bilinear', align_corners=False) for map_ in maps]
    return F.normalize(torch.cat(same, 1)[0].flatten(1).T, dim=1).contiguous()
