"""The embeddings of a trained network on the images of its test set, in memory or as a file that analyses read."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.utils import track_iter_progress
from mmseg.apis import init_model
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import DATASETS
from torch import Tensor

from focal_mmseg.engine.checkpoint import load_to_test, load_weights
from focal_mmseg.utils import written_whole

# The first member of a file of embeddings, which says what the others are.
LIST = 'images.json'


@dataclass(frozen=True)
class EmbeddedImage:
    """The embeddings of an image, and where it is forged.

    Attributes:
        embeddings (Tensor): Unit-length float32 of shape (C, h, w), without padding.
        truth (np.ndarray): bool of shape (H, W), the image's own size.
        name (str): Of the image in its set.
        kind (str): As the data set names it, ``''`` where it does not.
    """

    embeddings: Tensor
    truth: np.ndarray
    name: str = ''
    kind: str = ''

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the map."""
        return tuple(self.embeddings.shape[1:])

    @property
    def points(self) -> Tensor:
        """The embeddings as clusterers take them, (h w, C)."""
        return self.embeddings.flatten(1).T.contiguous()

    @property
    def is_forged(self) -> bool:
        """Whether any pixel is."""
        return bool(self.truth.any())


def embedded_images(
    cfg: Config, checkpoint: str | Path, most: int | None = None, side: int | None = None
) -> Iterator[EmbeddedImage]:
    """Embed the images of a config's test set one after the other.

    Args:
        cfg (Config): Of the model, with a FOCAL head, and its ``test_dataloader``.
        checkpoint (str | Path): Its weights.
        most (int, optional): Take so many images, spread over the set. Defaults to all.
        side (int, optional): Resize the images to this, for larger maps than the config's.

    Yields:
        EmbeddedImage: In the order of the set.
    """
    pipeline = cfg.test_dataloader.dataset.pipeline
    for step in pipeline if side else ():
        if step['type'] == 'Resize':
            step['scale'] = (side, side)
    model = init_model(cfg, None, 'cpu')
    load_to_test(model, load_weights(checkpoint), checkpoint)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    chosen = np.linspace(0, len(dataset) - 1, min(most or len(dataset), len(dataset))).round().astype(int)
    for index in track_iter_progress(chosen.tolist()):
        sample = dataset[index]
        meta, truth = sample['data_samples'].metainfo, sample['data_samples'].gt_sem_seg.data[0].numpy() == 1
        embeddings = embed(model, sample).float().contiguous()
        name = str(meta.get('picture') or Path(str(meta.get('img_path', index))).name)
        yield EmbeddedImage(embeddings, truth, name, str(meta.get('kind') or ''))


@torch.no_grad()
def embed(model: BaseSegmentor, sample: dict) -> Tensor:
    """The map (C, h, w) that a FOCAL model clusters for a sample of its test pipeline."""
    batch = model.data_preprocessor(pseudo_collate([sample]), training=False)
    metas = [each.metainfo for each in batch['data_samples']]
    if model.test_cfg.get('mode') == 'slide':
        maps, metas = model.slide_embeddings(batch['inputs'], metas)
    else:
        maps = model(batch['inputs'], mode='tensor')
    return model.decode_head.without_padding(maps, metas)[0]


def embed_test_set(
    cfg: Config, checkpoint: str | Path, most: int | None = None, side: int | None = None
) -> list[tuple[Tensor, np.ndarray]]:
    """The embeddings (C, h, w) and the truth, bool (H, W), of each image; the arguments of :func:`embedded_images`."""
    return [(each.embeddings, each.truth) for each in embedded_images(cfg, checkpoint, most, side)]


def write_embeddings(path: str | Path, images: Iterator[EmbeddedImage] | Sequence[EmbeddedImage]) -> int:
    """Write images one by one, as they come; memory holds one.

    Args:
        path (str | Path): The file to write, a ZIP archive of NumPy's arrays.
        images (Iterator[EmbeddedImage] | Sequence[EmbeddedImage]): At least one.

    Returns:
        int: How many there are.

    Raises:
        ValueError: If there is no image.
    """
    listed = []
    with written_whole(path) as part, zipfile.ZipFile(part, 'w', allowZip64=True) as archive:
        for number, image in enumerate(images):
            listed.append(dict(name=image.name, kind=image.kind, size=image.truth.shape))
            for what, array in (('embeddings', image.embeddings.numpy()), ('truth', np.packbits(image.truth))):
                with archive.open(f'{number}.{what}.npy', 'w', force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        if not listed:
            raise ValueError('there is no image to write the embeddings of')
        archive.writestr(LIST, json.dumps(listed))
    return len(listed)


def read_embeddings(path: str | Path) -> list[EmbeddedImage]:
    """Read the file that :func:`write_embeddings` writes.

    Args:
        path (str | Path): The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none of embeddings, or damaged.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'the embeddings {path} do not exist: tools/analysis_tools/embed.py writes them')
    try:
        with zipfile.ZipFile(path) as archive:
            return [_read(archive, number, said) for number, said in enumerate(json.loads(archive.read(LIST)))]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError) as error:
        raise ValueError(
            f'{path} is no file of embeddings that tools/analysis_tools/embed.py wrote: {error}'
        ) from error


def _read(archive: zipfile.ZipFile, number: int, said: dict) -> EmbeddedImage:
    arrays = []
    for what in ('embeddings', 'truth'):
        with archive.open(f'{number}.{what}.npy') as member:
            arrays.append(np.lib.format.read_array(member, allow_pickle=False))
    height, width = said['size']
    truth = np.unpackbits(arrays[1], count=height * width).astype(bool).reshape(height, width)
    return EmbeddedImage(torch.from_numpy(arrays[0]), truth, said['name'], said['kind'])
