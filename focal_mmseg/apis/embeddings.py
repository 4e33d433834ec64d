"""The embeddings of a trained network on the images of its test set."""

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.apis import init_model
from mmseg.registry import DATASETS
from torch import Tensor

from focal_mmseg.engine.checkpoint import load_to_test, load_weights
from focal_mmseg.utils.progress import track


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
