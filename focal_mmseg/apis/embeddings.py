"""The embeddings of a trained network: of one image, or of its test set, in memory or as a file that analyses read."""

import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmseg.apis import init_model
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import DATASETS
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.engine.checkpoint import load_to_test, load_weights
from focal_mmseg.utils import ConfigError, atomic_write, read_config
from focal_mmseg.utils.progress import track
from focal_mmseg.weights import DEFAULT, find_config

# The widths of what the network that ships gives: its embeddings, and what they are made of.
WIDTHS = (32, 256)
STRIDE = 8
# The first member of a file of embeddings, which says what the others are.
LIST = 'images.json'
# Attributes of an image that a file holds where they were asked for.
OF_JPEG = ('jpeg_stream', 'coefficients')


@dataclass(frozen=True)
class EmbeddedImage:
    """The embeddings of an image, and where it is forged.

    Attributes:
        embeddings (Tensor): Unit-length float32 of shape (C, h, w), without padding.
        truth (np.ndarray): bool of shape (H, W), the image's own size.
        name (str): Of the image in its set.
        kind (str): As the data set names it, ``''`` where it does not.
        jpeg_stream (Tensor | None): What the JPEG stream alone makes of each block, unit-length float32 of shape
            (C', h, w). None unless it was asked for.
        coefficients (Tensor | None): The luma's quantised coefficients of each block, row by row, int16 of shape
            (64, h, w). None unless they were asked for.
    """

    embeddings: Tensor
    truth: np.ndarray
    name: str = ''
    kind: str = ''
    jpeg_stream: Tensor | None = None
    coefficients: Tensor | None = None

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the map."""
        _, height, width = self.embeddings.shape
        return height, width

    @property
    def points(self) -> Tensor:
        """The embeddings as clusterers take them, (h w, C)."""
        return self.embeddings.flatten(1).T.contiguous()

    @property
    def is_forged(self) -> bool:
        """Whether any pixel is."""
        return bool(self.truth.any())


def embedded_images(
    cfg: Config, checkpoint: str | Path, most: int | None = None, side: int | None = None, with_jpeg: bool = False
) -> Iterator[EmbeddedImage]:
    """Embed the images of a config's test set one after the other.

    Args:
        cfg (Config): Of the model, with a FOCAL head, and its ``test_dataloader``.
        checkpoint (str | Path): Its weights.
        most (int, optional): Take so many images, spread over the set. Defaults to all.
        side (int, optional): Resize the images to this, for larger maps than the config's.
        with_jpeg (bool): Keep what the JPEG stream makes of an image too, and its coefficients. Defaults to False.

    Yields:
        EmbeddedImage: In the order of the set.

    Raises:
        ConfigError: If there is no JPEG stream to keep.
    """
    pipeline = cfg.test_dataloader.dataset.pipeline
    for step in pipeline if side else ():
        if step['type'] == 'Resize':
            step['scale'] = (side, side)
    model = init_model(cfg, None, 'cpu')
    load_to_test(model, load_weights(checkpoint), str(checkpoint))
    if with_jpeg and getattr(model.backbone, 'dct', None) is None:
        raise ConfigError('the backbone has no stream of JPEG coefficients: TwoStreamBackbone with dct=dict() has one')
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    chosen = np.linspace(0, len(dataset) - 1, min(most or len(dataset), len(dataset))).round().astype(int)
    for index in track(chosen.tolist(), 'images'):
        sample = dataset[index]
        meta, truth = sample['data_samples'].metainfo, sample['data_samples'].gt_sem_seg.data[0].numpy() == 1
        embeddings = embed(model, sample).float().contiguous()
        name = str(meta.get('image_name') or Path(str(meta.get('img_path', index))).name)
        jpeg = jpeg_maps(model, sample) if with_jpeg else ()
        yield EmbeddedImage(embeddings, truth, name, str(meta.get('kind') or ''), *jpeg)


@torch.no_grad()
def embed(model: BaseSegmentor, sample: dict) -> Tensor:
    """The map (C, h, w) that a FOCAL model clusters for a sample of its test pipeline."""
    batch = model.data_preprocessor(pseudo_collate([sample]), training=False)
    metas = [each.metainfo for each in batch['data_samples']]
    maps, metas = model.embed(batch['inputs'], metas)
    return model.decode_head.remove_padding(maps, metas)[0]


@torch.no_grad()
def jpeg_maps(model: BaseSegmentor, sample: dict) -> tuple[Tensor, Tensor]:
    """``jpeg_stream`` and ``coefficients`` of an :class:`EmbeddedImage`, of the image as a whole, without windows."""
    batch = model.data_preprocessor(pseudo_collate([sample]), training=False)
    metas = [each.metainfo for each in batch['data_samples']]
    planes = batch['inputs'][:, 3:5]
    maps = F.normalize(model.backbone.dct(planes[:, :1], planes[:, 1:]).float(), dim=1)
    blocks = F.pixel_unshuffle(planes[:, :1], STRIDE).short()
    return tuple(model.decode_head.remove_padding(each, metas)[0].contiguous() for each in (maps, blocks))


def embed_test_set(
    cfg: Config, checkpoint: str | Path, most: int | None = None, side: int | None = None
) -> list[tuple[Tensor, np.ndarray]]:
    """The embeddings (C, h, w) and the truth, bool (H, W), of each image; the arguments of :func:`embedded_images`."""
    return [(each.embeddings, each.truth) for each in embedded_images(cfg, checkpoint, most, side)]


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
            maps = [model.decode_head(model.extract_feat(inputs))]
        else:
            low, high, _, jpeg, _ = levels = model.backbone(inputs)
            maps = [model.neck(levels)[0], jpeg, high, low]
    same = [F.interpolate(map_, (side, side), mode='bilinear', align_corners=False) for map_ in maps]
    return F.normalize(torch.cat(same, 1)[0].flatten(1).T, dim=1).contiguous()


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
    with atomic_write(path) as part, zipfile.ZipFile(part, 'w', allowZip64=True) as archive:
        for number, image in enumerate(images):
            arrays = dict(embeddings=image.embeddings.numpy(), truth=np.packbits(image.truth))
            kept = {what: getattr(image, what) for what in OF_JPEG}
            arrays |= {what: each.numpy() for what, each in kept.items() if each is not None}
            listed.append(dict(name=image.name, kind=image.kind, size=image.truth.shape, arrays=list(arrays)))
            for what, array in arrays.items():
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
            return [_read(archive, number, entry) for number, entry in enumerate(json.loads(archive.read(LIST)))]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError) as error:
        raise ValueError(
            f'{path} is no file of embeddings that tools/analysis_tools/embed.py wrote: {error}'
        ) from error


def _read(archive: zipfile.ZipFile, number: int, said: dict) -> EmbeddedImage:
    arrays = {}
    # Files of version 0.2 do not list them.
    for what in said.get('arrays', ('embeddings', 'truth')):
        with archive.open(f'{number}.{what}.npy') as member:
            arrays[what] = np.lib.format.read_array(member, allow_pickle=False)
    height, width = said['size']
    truth = np.unpackbits(arrays['truth'], count=height * width).astype(bool).reshape(height, width)
    jpeg = (torch.from_numpy(arrays[what]) if what in arrays else None for what in OF_JPEG)
    return EmbeddedImage(torch.from_numpy(arrays['embeddings']), truth, said['name'], said['kind'], *jpeg)
