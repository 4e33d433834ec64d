"""Images of any size by tiles, on a small encoder."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from focal_mmseg.models import TiledEncoderDecoder
from focal_mmseg.utils.benchmarking import least_extra_memory

SMALL = dict(
    backbone=dict(model_name='lcnet_035'),
    decode_head=dict(in_channels=[16, 24, 48, 88, 176], widths=[16, 8, 8, 4], channels=4),
    test_cfg=dict(tile=64, stride=32),
)


def small(root: Path, **test_cfg: object) -> TiledEncoderDecoder:
    cfg = Config.fromfile(root / 'configs' / 'peers' / 'ifosn.py').model
    for part, options in SMALL.items():
        cfg[part].update(options)
    cfg.test_cfg.update(test_cfg)
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.eval()
    return model


def batch(*sizes: tuple[int, int]) -> dict:
    chance = torch.Generator().manual_seed(1)
    images = [torch.randint(0, 256, (3, *size), generator=chance, dtype=torch.uint8) for size in sizes]
    metas = [dict(img_shape=size, ori_shape=size, img_path=f'{size[1]}x{size[0]}.png') for size in sizes]
    return dict(inputs=images, data_samples=[SegDataSample(metainfo=meta) for meta in metas])


@pytest.fixture(scope='module')
def model(root: Path) -> TiledEncoderDecoder:
    return small(root)


@torch.no_grad()
def test_an_image_within_one_tile_is_the_networks_answer_rounded(root: Path, model: TiledEncoderDecoder) -> None:
    whole = small(root, mode='whole')
    whole.load_state_dict(model.state_dict())
    for size in ((64, 64), (37, 53), (3, 3), (64, 5)):
        (wanted,), (found,) = whole.test_step(batch(size)), model.test_step(batch(size))
        levels = wanted.seg_logits.data.softmax(0)[1] * 255
        scores = found.seg_logits.data.softmax(0)[1]
        assert scores.shape == size
        # One level by the rounding, and one that is lost where a tile is blended with itself and cut.
        assert float((scores * 255 - levels).abs().max()) < 1.51
        assert torch.equal(found.pred_sem_seg.data[0] == 1, scores > 0.5)


@torch.no_grad()
def test_each_image_of_a_batch_gets_what_it_gets_alone(model: TiledEncoderDecoder) -> None:
    sizes = ((71, 101), (64, 64), (5, 130))
    together = batch(*sizes)
    for number, sample in enumerate(model.test_step(batch(*sizes))):
        alone = dict(inputs=[together['inputs'][number]], data_samples=[together['data_samples'][number]])
        (wanted,) = model.test_step(alone)
        assert sample.seg_logits.shape == sizes[number]
        torch.testing.assert_close(sample.seg_logits.data, wanted.seg_logits.data)


@torch.no_grad()
def test_a_tile_sees_its_own_part_alone(model: TiledEncoderDecoder) -> None:
    image = batch((64, 200))
    other = batch((64, 200))
    other['inputs'][0][:, :, 150:] = 0
    (found,), (changed,) = model.test_step(image), model.test_step(other)
    differs = (found.seg_logits.data != changed.seg_logits.data).any(0).any(0)
    assert bool(differs[150:].any()) and not bool(differs[:96].any())


@torch.no_grad()
def test_a_large_image_needs_80_bytes_a_pixel_beside_the_network(
    model: TiledEncoderDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode_decode(part: torch.Tensor, metas: list[dict]) -> torch.Tensor:
        assert part.shape[2:] == metas[0]['img_shape'] == (64, 64)
        return torch.tensor([1.0, -1.0])[:, None, None].expand(1, 2, 64, 64)

    monkeypatch.setattr(model, 'encode_decode', encode_decode)
    image = batch((1000, 1200))
    # The first test pays for what is loaded then.
    model.test_step(batch((64, 64)))
    (sample,), memory = least_extra_memory(lambda: model.test_step(image), torch.device('cpu'))
    assert sample.seg_logits.shape == (1000, 1200) and not sample.pred_sem_seg.data.any()
    assert memory is None or memory * 2**20 / (1000 * 1200) < 80


@pytest.mark.parametrize('size', [(2, 64), (64, 1)])
def test_an_image_that_leaves_the_encoder_nothing_is_named(model: TiledEncoderDecoder, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf'{size[1]}x{size[0]}\.png is .* sides of at least 3 pixels'):
        model.test_step(batch(size))


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        (dict(stride=65), 'stride must be at most tile, got 65 and 64'),
        (dict(tile=0), 'needs tile of at least 1'),
        (dict(tile=64.0), r'needs tile of at least 1 pixel, got 64\.0'),
        (dict(stride=None), 'needs stride of at least 1 pixel, got None'),
        (dict(least_side=0), 'needs least_side of at least 1'),
    ],
)
def test_an_option_out_of_its_range_is_named(root: Path, options: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        small(root, **options)


@torch.no_grad()
def test_mmsegs_other_modes_stay(root: Path, model: TiledEncoderDecoder) -> None:
    slides = small(root, mode='slide', crop_size=(64, 64), stride=(32, 32))
    slides.load_state_dict(model.state_dict())
    (sample,) = slides.test_step(batch((71, 101)))
    assert sample.seg_logits.shape == (71, 101)
