"""Embeddings of a test set, and the file of them."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from PIL import Image
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.apis.embeddings import (
    EmbeddedImage,
    embed,
    embed_test_set,
    embedded_images,
    jpeg_maps,
    read_embeddings,
    write_embeddings,
)
from focal_mmseg.clustering import HDBSCANClusterer
from focal_mmseg.datasets.synthesis import load_packaged
from focal_mmseg.utils import ConfigError, read_config
from focal_mmseg.utils.jpeg import read_luma


def made(seed: int, height: int, width: int, kind: str = 'splice') -> EmbeddedImage:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.rand(8 * height + 3, 8 * width, generator=generator).numpy() > 0.5
    return EmbeddedImage(F.normalize(torch.randn(5, height, width, generator=generator), dim=0), truth, f'{seed}', kind)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    images = [made(0, 3, 4), made(1, 5, 2, 'pristine'), made(2, 1, 1)]
    assert write_embeddings(tmp_path / 'set.zip', iter(images)) == 3
    for found, image in zip(read_embeddings(tmp_path / 'set.zip'), images, strict=True):
        assert torch.equal(found.embeddings, image.embeddings) and found.embeddings.dtype == torch.float32
        np.testing.assert_array_equal(found.truth, image.truth)
        assert (found.name, found.kind, found.grid) == (image.name, image.kind, image.grid)
        assert torch.equal(found.points[1 % len(found.points)], image.embeddings[:, 0, 1 % image.grid[1]])


def test_what_the_jpeg_stream_makes_of_an_image_is_written_where_it_was_kept(tmp_path: Path) -> None:
    stream = F.normalize(torch.randn(7, 3, 4), dim=0)
    coefficients = torch.randint(-900, 900, (64, 3, 4), dtype=torch.int16)
    images = [made(0, 3, 4), replace(made(1, 3, 4), jpeg_stream=stream, coefficients=coefficients)]
    write_embeddings(tmp_path / 'set.zip', images)
    without, with_jpeg = read_embeddings(tmp_path / 'set.zip')
    assert without.jpeg_stream is None and without.coefficients is None
    assert torch.equal(with_jpeg.jpeg_stream, stream) and torch.equal(with_jpeg.coefficients, coefficients)


def test_the_jpeg_stream_of_the_network_that_ships(tmp_path: Path) -> None:
    """Its points are those of the embeddings, and the coefficients are those of the file, block by block."""
    path = tmp_path / 'a.jpg'
    Image.fromarray(load_packaged('chelsea')[:90, :125]).save(path, quality=90)
    focal = FOCALInferencer(device='cpu')
    stream, coefficients = jpeg_maps(focal.model, focal._load(path))
    # A last row of blocks that is mostly padding has no points.
    assert stream.shape == (64, 11, 16) and embed(focal.model, focal._load(path)).shape[1:] == (11, 16)
    torch.testing.assert_close(stream.norm(dim=0), torch.ones(11, 16))
    blocks = read_luma(path.read_bytes()).blocks
    np.testing.assert_array_equal(coefficients.numpy().transpose(1, 2, 0), blocks[:11].reshape(11, 16, 64))


def test_a_network_without_a_jpeg_stream_has_none_to_keep(trained: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match='no stream of JPEG coefficients'):
        next(embedded_images(read_config(trained[0]), trained[1], with_jpeg=True))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'set.zip'
    with pytest.raises(FileNotFoundError, match='do not exist'):
        read_embeddings(path)
    path.write_bytes(b'no archive')
    with pytest.raises(ValueError, match='no file of embeddings'):
        read_embeddings(path)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('images.json', '[{"name": "a", "kind": "", "size": [2, 2]}]')
    with pytest.raises(ValueError, match='no file of embeddings'):
        read_embeddings(path)


def test_nothing_is_written_without_an_image(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='no image'):
        write_embeddings(tmp_path / 'set.zip', [])
    assert not list(tmp_path.iterdir())


def test_the_embeddings_are_those_that_the_head_clusters(trained: tuple[Path, Path], image_path: Path) -> None:
    focal = FOCALInferencer(*trained, device='cpu', cfg_options={'model.decode_head.clusterer.min_cluster_size': 5})
    (found,) = focal.model.test_step(pseudo_collate([focal._load(image_path)]))
    embeddings = embed(focal.model, focal._load(image_path))
    own = HDBSCANClusterer(min_cluster_size=5).localise(embeddings.flatten(1).T, tuple(embeddings.shape[1:]))
    assert torch.equal(own.labels, found.pred_clusters.data.flatten())
    assert found.image_score == pytest.approx(own.image_score, abs=1e-6)


def test_a_set_is_embedded_with_its_truth(trained: tuple[Path, Path]) -> None:
    images = embed_test_set(read_config(trained[0]), trained[1])
    assert len(images) == 4 and sum(bool(truth.any()) for _, truth in images) == 3
    for embeddings, truth in images:
        assert truth.shape == (128, 128)
        torch.testing.assert_close(embeddings.norm(dim=0), torch.ones(embeddings.shape[1:]))
