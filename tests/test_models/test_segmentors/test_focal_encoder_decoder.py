from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from focal_mmseg.apis import FOCALInferencer
from focal_mmseg.models import FOCALEncoderDecoder

SLIDE = dict(mode='slide', crop_size=(64, 64), stride=(48, 48))


@MODELS.register_module()
class ToyMeans(nn.Module):
    """The means of squares of 4 pixels a side."""

    def forward(self, images: Tensor) -> list[Tensor]:
        return [nn.functional.avg_pool2d(images, 4)]


def make(max_points: int = 65536, **test_cfg: object) -> FOCALEncoderDecoder:
    head = dict(type='FOCALHead', in_channels=3, channels=None, clusterer=dict(type='KMeansClusterer'))
    return MODELS.build(
        dict(
            type='FOCALEncoderDecoder',
            backbone=dict(type='ToyMeans'),
            decode_head=dict(head, max_points=max_points),
            test_cfg=ConfigDict(test_cfg),
        )
    ).eval()


def sample(height: int, width: int, **meta: object) -> SegDataSample:
    shape = (height, width)
    return SegDataSample(metainfo=dict(ori_shape=shape, img_shape=shape, pad_shape=shape) | meta)


def two_colours(height: int, width: int) -> tuple[Tensor, np.ndarray]:
    """An image (1, 3, H, W) with a square of another colour, and where that is."""
    forged = np.zeros((height, width), bool)
    forged[height // 4 : height // 2, width // 2 : width // 4 * 3] = True
    noise = 0.05 * torch.randn(3, height, width, generator=torch.Generator().manual_seed(0))
    colours = torch.tensor([[1.0, 0.2, 0.1], [0.1, 0.2, 1.0]])[torch.from_numpy(forged).long()]
    return (colours.permute(2, 0, 1) + noise)[None], forged


def predicted(model: FOCALEncoderDecoder, image: Tensor, **meta: object) -> np.ndarray:
    found = model.predict(image, [sample(*image.shape[2:], **meta)])[0]
    return found.pred_sem_seg.data[0].numpy() == 1


@pytest.mark.parametrize('test_cfg', [dict(mode='whole'), SLIDE])
def test_the_image_score_is_how_little_alike_the_embeddings_are(test_cfg: dict) -> None:
    image, _ = two_colours(64, 64)
    plain = image.new_full((1, 3, 64, 64), 0.5)
    model = make(**test_cfg)
    mixed, alike = model.predict(torch.cat([image, plain]), [sample(64, 64), sample(64, 64)])
    embeddings = nn.functional.normalize(nn.functional.avg_pool2d(image[0], 4).double(), dim=0)
    assert mixed.image_score == pytest.approx(1 - float(embeddings.flatten(1).mean(1).norm()), abs=1e-6)
    assert mixed.image_score > 0.01 and alike.image_score == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('test_cfg', [dict(mode='whole'), SLIDE], ids=['whole', 'slide'])
@pytest.mark.parametrize('meta', [{}, dict(flip=True, flip_direction='horizontal')], ids=['', 'flipped'])
def test_the_sample_has_the_clusters_where_the_mask_has_them(test_cfg: dict, meta: dict) -> None:
    image, forged = two_colours(96, 128)
    model = make(**test_cfg)
    (found,) = model.predict(image.flip(3) if meta else image, [sample(96, 128, **meta)])
    cells = torch.from_numpy(forged)[2::4, 2::4]
    assert torch.equal(found.pred_clusters.data[0] > 0, cells)
    assert (found.num_clusters, found.noise_share, len(found.cluster_distances)) == (2, 0, 2)
    assert found.clustering_seconds > 0 and 'embeddings' not in found
    model.decode_head.keep_embeddings = True
    (found,) = model.predict(image, [sample(96, 128)])
    assert found.embeddings.data.shape == (3, 24, 32)


def test_mmsegs_segmentor_gives_the_same_logits_from_the_same_head() -> None:
    image, _ = two_colours(64, 96)
    model = make(mode='whole')
    plain = EncoderDecoder.predict(model, image, [sample(64, 96)])[0]
    assert torch.equal(model.predict(image, [sample(64, 96)])[0].seg_logits.data, plain.seg_logits.data)
    assert 'num_clusters' not in plain


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"test_cfg\.mode must be 'whole' or 'slide', got 'slides'"):
        predicted(make(mode='slides'), two_colours(64, 64)[0])


@pytest.mark.parametrize('size', [(64, 64), (48, 64), (32, 20)])
@pytest.mark.parametrize('max_points', [65536, 20])
def test_an_image_of_one_window_equals_whole(size: tuple[int, int], max_points: int) -> None:
    """More points than are clustered, or not."""
    image, _ = two_colours(*size)
    models = [make(max_points, **cfg) for cfg in (SLIDE | dict(crop_size=size, stride=size), dict(mode='whole'))]
    slide, whole = (model.predict(image, [sample(*size)])[0] for model in models)
    assert torch.equal(slide.seg_logits.data, whole.seg_logits.data) and slide.image_score == whole.image_score
    assert slide.pred_sem_seg.data.any()
    for found in (slide, whole):
        assert found.pred_clusters.data.numel() <= max_points


@pytest.mark.parametrize('size', [(192, 128), (150, 90), (67, 203), (40, 200), (30, 40)])
@pytest.mark.parametrize('max_points', [65536, 200])
@pytest.mark.parametrize('test_cfg', [dict(mode='whole'), SLIDE], ids=['whole', 'slide'])
def test_a_forged_square_is_found_where_it_is(size: tuple[int, int], max_points: int, test_cfg: dict) -> None:
    image, forged = two_colours(*size)
    found = predicted(make(max_points, **test_cfg), image)
    assert found.shape == size
    wrong = (found != forged).sum()
    # Half a cell around the square, of 4 pixels or of what 200 points make of it.
    cell = 4 if max_points == 65536 else 4 * int(np.ceil(np.sqrt(size[0] * size[1] / 16 / 200)) + 1)
    assert wrong < cell * (size[0] + size[1]) / 2


def test_a_batch_of_two_is_two_batches_of_one() -> None:
    images = torch.cat([two_colours(150, 90)[0], two_colours(150, 90)[0].flip(3)])
    model = make(**SLIDE)
    together = model.predict(images, [sample(150, 90), sample(150, 90)])
    for image, found in zip(images, together, strict=True):
        alone = model.predict(image[None], [sample(150, 90)])[0]
        torch.testing.assert_close(found.seg_logits.data, alone.seg_logits.data)


def test_padding_reaches_no_clusterer() -> None:
    image, forged = two_colours(120, 100)
    padded = nn.functional.pad(image, (0, 60, 0, 72), value=-5.0)
    model = make(**SLIDE)
    meta = dict(img_padding_size=(0, 60, 0, 72), ori_shape=(120, 100))
    found = predicted(model, padded, **meta)
    assert found.shape == (120, 100)
    assert (found != forged).sum() < 4 * 110
    assert model.predict(padded, [sample(*padded.shape[2:], **meta)])[0].pred_clusters.data.shape == (1, 30, 25)


def test_without_data_samples_it_predicts_too() -> None:
    image, forged = two_colours(150, 90)
    found = make(**SLIDE).predict(image)[0].pred_sem_seg.data[0].numpy() == 1
    assert (found != forged).sum() < 4 * 120


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(crop_size=None), r'needs crop_size=\(height, width\), .*got None'),
        (dict(crop_size=64), 'needs crop_size=.*got 64'),
        (dict(crop_size=(64, 64.5)), r'needs crop_size=.*got \(64, 64\.5\)'),
        (dict(stride=(0, 48)), r'needs stride=.*at least 1, got \(0, 48\)'),
        (dict(stride=(48,)), r'needs stride=.*got \(48,\)'),
        (dict(stride=(48, 65)), r'stride must be at most model\.test_cfg\.crop_size, got \(48, 65\) and \(64, 64\)'),
        (dict(max_points=0), 'max_points of the decode_head must be .*at least 1, got 0'),
        (dict(max_points=None), 'max_points of the decode_head must be .*got None'),
    ],
    ids=str,
)
def test_an_option_out_of_range_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**SLIDE | wrong)


def test_the_cap_is_the_heads_not_test_cfgs() -> None:
    model = make(**SLIDE)
    model.test_cfg.max_points = 100
    with pytest.raises(ValueError, match=r'set model\.decode_head\.max_points'):
        predicted(model, two_colours(80, 80)[0])


def test_a_classifier_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"FOCALHead, .*got FCNHead: use model\.type='EncoderDecoder'"):
        FOCALEncoderDecoder(dict(type='ToyMeans'), dict(type='FCNHead', in_channels=3, channels=4, num_classes=2))


def test_the_inferencer_slides_over_an_image_of_any_size(
    trained: tuple[Path, Path], image_path: Path, tmp_path: Path
) -> None:
    cfg = Config.fromfile(trained[0])
    cfg.model.type = 'FOCALEncoderDecoder'
    cfg.model.test_cfg = dict(mode='slide', crop_size=(64, 64), stride=(32, 32))
    cfg.test_pipeline = [step for step in cfg.test_pipeline if step.type != 'Resize']
    cfg.test_dataloader.dataset.pipeline = cfg.test_pipeline
    cfg.dump(tmp_path / 'slide.py')
    found = FOCALInferencer(tmp_path / 'slide.py', trained[1], 'cpu')(image_path)
    assert found.mask.shape == cv2.imread(str(image_path)).shape[:2]


def test_the_config_trains_and_tests_by_windows(
    root: Path, small_config: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = small_config(root / 'configs' / 'focal_hrnet_slide.py', **{'default_hooks.checkpoint': None})
    cfg.model.test_cfg.update(crop_size=(64, 64), stride=(48, 48))
    cfg.model.data_preprocessor.size = (96, 96)
    (crop,) = [step for step in cfg.train_dataloader.dataset.pipeline if step.type == 'RandomCrop']
    crop.crop_size = (96, 96)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.test_dataloader.dataset.indices = [0]
    runner = Runner.from_cfg(cfg)
    seen = []
    embed = runner.model.extract_feat
    monkeypatch.setattr(runner.model, 'extract_feat', lambda inputs: seen.append(inputs.shape) or embed(inputs))
    runner.train()
    assert seen == [(2, 3, 96, 96)]
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    figures = runner.test()
    # The image has 128x128 pixels, and windows begin at 0, 32 and 64.
    assert seen[1:] == [(1, 3, 64, 64)] * 9
    assert 0 <= figures['forgery/iou'] <= 1


@pytest.mark.parametrize(
    ('size', 'window'),
    [((40, 52), (40, 56)), ((64, 64), (64, 64)), ((33, 90), (40, 56)), ((130, 70), (56, 48)), ((112, 160), (64, 64))],
)
def test_windows_fit_the_image_where_the_config_allows_it(size: tuple[int, int], window: tuple[int, int]) -> None:
    seen = []
    model = make(**SLIDE, size_divisor=8)
    model.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[2:])))
    image, forged = two_colours(*size)
    found = predicted(model, image)
    assert found.shape == size and (found != forged).mean() < 0.1
    assert set(seen) == {window}


@pytest.mark.parametrize('divisor', [0, -8, 2.0, 'eight'])
def test_a_size_divisor_that_is_no_whole_number_is_refused(divisor: object) -> None:
    with pytest.raises(ValueError, match=r'test_cfg\.size_divisor must be None or a whole number of at least 1'):
        make(**SLIDE, size_divisor=divisor)


@MODELS.register_module()
class ToySlopes(nn.Module):
    """Differences to the right and downwards, so that a mirror image has other embeddings."""

    def forward(self, images: Tensor) -> list[Tensor]:
        across, down = images.diff(dim=3, append=images[..., -1:]), images.diff(dim=2, append=images[:, :, -1:])
        return [nn.functional.avg_pool2d(torch.cat([images, across, down], 1), 4)]


@pytest.mark.parametrize('test_cfg', [dict(mode='whole'), SLIDE], ids=['whole', 'slide'])
@pytest.mark.parametrize('mirrors', [['horizontal'], ['vertical'], ['horizontal', 'vertical']])
def test_mirrors_stand_beside_the_image(test_cfg: dict, mirrors: list[str]) -> None:
    image, forged = two_colours(64, 64)
    plain, mirrored = make(**test_cfg), make(**test_cfg, mirrors=mirrors)
    plain.backbone = mirrored.backbone = ToySlopes()
    (own,), (found,) = (model.embed(image, [sample(64, 64).metainfo])[0] for model in (plain, mirrored))
    views = [own]
    for name in mirrors:
        dim = dict(vertical=1, horizontal=2)[name]
        views.append(plain.embed(image.flip(dim + 1), [sample(64, 64).metainfo])[0][0].flip(dim))
    wanted = nn.functional.normalize(torch.cat(views), dim=0)
    torch.testing.assert_close(found, wanted)
    assert not torch.equal(views[1], own)
    assert (predicted(mirrored, image) != forged).mean() < 0.02


@pytest.mark.parametrize('names', ['horizontal', ['diagonal'], ['vertical', 'vertical']])
def test_mirrors_that_do_not_exist_are_refused(names: object) -> None:
    with pytest.raises(ValueError, match=r'test_cfg\.mirrors must be a list out of vertical, horizontal'):
        make(mode='whole', mirrors=names)


def test_mirrors_of_part_of_a_cell_are_refused() -> None:
    with pytest.raises(ValueError, match=r'62, 64\) pixels have embeddings of \(15, 16'):
        predicted(make(mode='whole', mirrors=['vertical']), two_colours(62, 64)[0])


def test_no_mirrors_in_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(mode='whole', mirrors=['horizontal'])
    seen = []
    monkeypatch.setattr(model.decode_head, 'loss', lambda maps, *_: seen.append(maps[0].shape) or {})
    model.loss(two_colours(64, 64)[0], [sample(64, 64)])
    assert seen == [(1, 3, 16, 16)]
