from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder, SegTTAModel
from mmseg.registry import MODELS, TASK_UTILS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering import Clusterer, EvidenceGate
from focal_mmseg.clustering.map_size import valid_cells
from focal_mmseg.models import FOCALHead
from focal_mmseg.utils import ConfigError

SPY = dict(type='ToyFirstChannelClusterer')
WIDTHS = (3, 5, 4)


class ToyFirstChannelClusterer(Clusterer):
    """Splits the points by the sign of their first channel and keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def fit_predict(self, embeddings: Tensor) -> Tensor:
        self.seen.append(embeddings)
        return (embeddings[:, 0] > 0).long()


class ToyPyramid(nn.Module):
    """Three feature maps at strides 2, 4 and 8."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(3, width, 2 << i, 2 << i) for i, width in enumerate(WIDTHS))

    def forward(self, inputs: Tensor) -> list[Tensor]:
        return [convolution(inputs) for convolution in self.convolutions]


@pytest.fixture(autouse=True)
def _toys() -> Iterator[None]:
    parts = [(TASK_UTILS, ToyFirstChannelClusterer), (MODELS, ToyPyramid)]
    for registry, part in parts:
        registry.register_module(module=part)
    yield
    for registry, part in parts:
        registry.module_dict.pop(part.__name__)


def make_levels(images: int = 2, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(images, width, 16 >> i, 24 >> i, generator=generator) for i, width in enumerate(WIDTHS)]


def make_samples(masks: Tensor, **meta: object) -> list[SegDataSample]:
    """One sample for each of the (N, H, W) masks."""
    size = tuple(masks.shape[1:])
    meta = dict(img_shape=size, ori_shape=size, pad_shape=size, img_path='x.png') | meta
    return [SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=mask[None])) for mask in masks]


def half_masks(images: int = 2, height: int = 32, width: int = 48) -> Tensor:
    """Forged on the right."""
    masks = torch.zeros(images, height, width, dtype=torch.long)
    masks[:, :, width // 2 :] = 1
    return masks


def make_segmentor(mode: str = 'whole', **head: object) -> EncoderDecoder:
    torch.manual_seed(0)
    head = dict(type='FOCALHead', in_channels=list(WIDTHS), channels=8, clusterer=SPY) | head
    test_cfg = ConfigDict(mode=mode, crop_size=(16, 16), stride=(16, 16))
    backbone, preprocessor = dict(type='ToyPyramid'), dict(type='SegDataPreProcessor')
    return EncoderDecoder(backbone, head, test_cfg=test_cfg, data_preprocessor=preprocessor).eval()


# Construction and forward


def test_there_is_no_classifier() -> None:
    head = FOCALHead(list(WIDTHS), 8)
    assert not hasattr(head, 'conv_seg')
    shapes = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    weights = {f'projections.{i}.weight': (8, width, 1, 1) for i, width in enumerate(WIDTHS)}
    assert shapes == weights | {f'projections.{i}.bias': (8,) for i in range(3)}


def test_without_a_width_there_is_no_parameter_and_the_last_map_is_taken() -> None:
    head, levels = FOCALHead(4, None), make_levels()
    assert not head.state_dict() and not list(head.parameters())
    torch.testing.assert_close(head(levels), levels[2] / levels[2].norm(dim=1, keepdim=True))


def test_several_maps_without_a_width_are_refused() -> None:
    with pytest.raises(ValueError, match='channels=None'):
        FOCALHead(list(WIDTHS), None)


@pytest.mark.parametrize(
    ('options', 'size'),
    [
        (dict(in_channels=4), (4, 6)),
        (dict(in_channels=5, in_index=1), (8, 12)),
        (dict(in_channels=[5, 4], in_index=[1, 2]), (8, 12)),
        (dict(in_channels=WIDTHS), (16, 24)),
        (dict(in_channels=3, in_index=0, channels=None), (16, 24)),
    ],
    ids=str,
)
def test_embeddings_have_unit_length_at_the_first_maps_size(options: dict, size: tuple[int, int]) -> None:
    head = FOCALHead(**{'channels': 7, **options})
    embeddings = head(make_levels())
    assert embeddings.shape == (2, head.channels, *size)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2, *size))


@pytest.mark.parametrize('align_corners', [False, True])
def test_the_sum_of_projections_is_one_convolution_on_the_concatenation(align_corners: bool) -> None:
    head, levels = FOCALHead(WIDTHS, 8, align_corners=align_corners), make_levels()
    resized = [F.interpolate(level, size=(16, 24), mode='bilinear', align_corners=align_corners) for level in levels]
    weight = torch.cat([projection.weight for projection in head.projections], dim=1)
    bias = sum(projection.bias for projection in head.projections)
    wanted = F.normalize(F.conv2d(torch.cat(resized, dim=1), weight, bias), dim=1)
    torch.testing.assert_close(head(levels), wanted, rtol=1e-5, atol=1e-5)


def test_weights_are_initialised_without_a_classifier() -> None:
    model = make_segmentor(init_cfg=dict(type='Constant', layer='Conv2d', val=0.25, bias=0.5))
    model.init_weights()
    assert all((projection.weight == 0.25).all() for projection in model.decode_head.projections)
    FOCALHead(4).init_weights()


def test_cls_seg_says_that_there_is_no_classifier() -> None:
    with pytest.raises(TypeError, match='no classifier'):
        FOCALHead(4).cls_seg(torch.zeros(1, 4, 2, 2))


# Training


def test_loss_by_feat_keeps_each_loss_and_adds_those_of_one_name() -> None:
    names = ('loss_a', 'loss_b', 'loss_b')
    configs = [
        dict(type='InfoNCEPlusPlusLoss', temperature=0.1 * (i + 1), loss_name=name) for i, name in enumerate(names)
    ]
    embeddings, samples = FOCALHead(4, 8)(make_levels()), make_samples(half_masks())
    one = [
        FOCALHead(4, 8, loss_decode=config).loss_by_feat(embeddings, samples)[config['loss_name']] for config in configs
    ]
    losses = FOCALHead(4, 8, loss_decode=configs).loss_by_feat(embeddings, samples)
    assert list(losses) == ['loss_a', 'loss_b']
    torch.testing.assert_close(losses['loss_a'], one[0])
    torch.testing.assert_close(losses['loss_b'], one[1] + one[2])
    assert 0 < losses['loss_a'] != losses['loss_b'] > 0


def test_the_loss_sees_the_mask_at_the_embeddings_size_and_the_heads_ignore_index() -> None:
    head = FOCALHead(4, 8, ignore_index=9)
    embeddings, masks = head(make_levels()), half_masks()
    masks[:, :16] = 9
    target = half_masks(2, 4, 6)
    target[:, :2] = 9
    found = head.loss_by_feat(embeddings, make_samples(masks))['loss_info_nce_plus_plus']
    torch.testing.assert_close(found, head.loss_decode(embeddings, target, ignore_index=9))


@pytest.mark.parametrize('value', [0, 1, 255])
def test_a_batch_of_one_class_still_runs_backward(value: int) -> None:
    model = make_segmentor()
    losses = model(torch.randn(2, 3, 32, 48), make_samples(torch.full((2, 32, 48), value)), mode='loss')
    losses['decode.loss_info_nce_plus_plus'].backward()
    assert losses['decode.loss_info_nce_plus_plus'] == 0
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in model.parameters())


def test_the_plain_encoder_decoder_trains_it() -> None:
    model = make_segmentor()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    images, samples = torch.randn(2, 3, 32, 48), make_samples(half_masks())
    images[:, :, :, 24:] += 0.5
    values = []
    for _ in range(10):
        losses = model(images, samples, mode='loss')
        assert list(losses) == ['decode.loss_info_nce_plus_plus']
        optimizer.zero_grad()
        losses['decode.loss_info_nce_plus_plus'].backward()
        assert all(parameter.grad.any() for parameter in model.parameters())
        optimizer.step()
        values.append(losses['decode.loss_info_nce_plus_plus'].item())
    assert values[-1] < 0.8 * values[0]


# Testing


def coordinates(images: int, height: int, width: int) -> Tensor:
    """Embeddings that say where they are: (sign, y, x)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    sign = torch.where(x < width // 3, 1, -1)
    return torch.stack([sign, y, x]).float().expand(images, 3, height, width)


def test_predict_by_feat_gives_log_scores_whose_argmax_is_the_clusterers_mask() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    embeddings = head([torch.randn(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))])
    logits = head.predict_by_feat(embeddings, [dict(img_shape=(9, 7))] * 2)
    assert logits.shape == (2, 2, 9, 7) and logits.dtype == torch.float32
    localised = head.localise(list(embeddings), [{}, {}])
    assert len(localised) == 2
    for image, each, logit in zip(embeddings, localised, logits, strict=True):
        wanted = head.clusterer.localise(image.flatten(1).T)
        assert torch.equal(each.found.forged, wanted.forged) and wanted.forged.any() and not wanted.forged.all()
        assert torch.equal(each.score.flatten(), wanted.score) and torch.equal(each.embeddings, image)
        assert torch.equal(logit.argmax(0).flatten().bool(), wanted.forged)
        torch.testing.assert_close(logit.softmax(0)[1].flatten(), wanted.score.clamp(1e-4, 1 - 1e-4))


def test_predictions_have_the_size_of_the_networks_input() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    embeddings = coordinates(1, 8, 12)
    for meta, size in [
        (dict(img_shape=(30, 44)), (30, 44)),
        (dict(img_shape=(30, 44), pad_shape=(32, 48)), (32, 48)),
        (dict(img_shape=(30, 44, 3), pad_shape=(32, 48, 3)), (32, 48)),
        (dict(img_shape=torch.Size([16, 24]), pad_shape=(32, 48)), (16, 24)),
    ]:
        assert head.predict_by_feat(embeddings, [meta]).shape == (1, 2, *size)


def test_an_image_is_clustered_alone() -> None:
    head = FOCALHead(4, 8, clusterer=dict(type='HDBSCANClusterer', min_cluster_size=4, min_samples=2))
    meta = dict(img_shape=(32, 48))
    maps = [torch.randn(1, 4, 8, 12, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    for level in maps:
        level[..., :5] += 5
    embeddings = [head([level]) for level in maps]
    alone = head.predict_by_feat(embeddings[0], [meta])
    assert (alone.argmax(1) == 1).any()
    for others in ([embeddings[1]], [embeddings[2], embeddings[1]]):
        together = head.predict_by_feat(torch.cat([embeddings[0], *others]), [meta] * (len(others) + 1))
        torch.testing.assert_close(together[:1], alone)


def test_an_image_that_cannot_be_clustered_is_named() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    embeddings = coordinates(2, 8, 12).clone()
    embeddings[1, 0, 0, 0] = float('nan')
    metas = [dict(img_shape=(8, 12), img_path=name) for name in ('a.png', 'b.png')]
    with pytest.raises(ValueError, match=r'a\.png, b\.png: the embeddings hold NaN'):
        head.predict_by_feat(embeddings, metas)


@pytest.mark.parametrize('key', ['img_padding_size', 'padding_size'])
@pytest.mark.parametrize(
    ('padding', 'rows', 'columns'),
    [
        ((0, 0, 0, 0), range(8), range(12)),
        ((0, 8, 0, 12), range(5), range(10)),
        ((4, 4, 8, 8), range(2, 6), range(1, 11)),
        ((0, 1, 0, 1), range(8), range(12)),
        ((0, 2, 0, 2), range(7), range(11)),
        ((3, 0, 3, 0), range(1, 8), range(1, 12)),
        ((2, 0, 2, 0), range(8), range(12)),
        ((0, 0, 0, 28), range(1), range(12)),
        ((0, 0, 0, 31), range(1), range(12)),
        ((0, 0, 31, 0), range(7, 8), range(12)),
        ((23, 24, 15, 16), range(3, 4), range(5, 6)),
    ],
    ids=str,
)
def test_padding_never_reaches_the_clusterer(key: str, padding: tuple, rows: range, columns: range) -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    meta = {'img_shape': (32, 48), 'pad_shape': (32, 48), key: padding}
    logits = head.predict_by_feat(coordinates(1, 8, 12), [meta])
    assert [tuple(point) for point in head.clusterer.seen[0][:, 1:].int().tolist()] == [
        (y, x) for y in rows for x in columns
    ]
    assert len(head.clusterer.seen[0]) == len(rows) * len(columns)
    assert logits.shape == (1, 2, 32, 48) and logits.isfinite().all()


def test_padding_of_one_image_is_not_taken_from_another() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    shared = dict(img_shape=(32, 48), pad_shape=(32, 48))
    metas = [dict(shared, img_padding_size=(0, 24, 0, 0)), dict(shared, img_padding_size=(0, 0, 0, 16)), shared]
    head.predict_by_feat(coordinates(3, 8, 12), metas)
    assert sorted(len(points) for points in head.clusterer.seen) == [48, 48, 96]


def test_a_head_keeps_nothing_of_an_image() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    before = set(vars(head))
    head.predict_by_feat(coordinates(3, 8, 12), [dict(img_shape=(32, 48))] * 3)
    assert set(vars(head)) == before and not any(name.startswith('last') for name in before)


def test_img_padding_size_goes_before_padding_size() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    meta = dict(img_shape=(32, 48), img_padding_size=(0, 24, 0, 0), padding_size=(0, 0, 0, 0))
    head.predict_by_feat(coordinates(1, 8, 12), [meta])
    assert len(head.clusterer.seen[0]) == 48


def test_the_score_inside_the_image_does_not_depend_on_the_padding() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    embeddings = coordinates(1, 8, 12)
    plain = head.predict_by_feat(embeddings, [dict(img_shape=(32, 48))])
    padded = F.pad(embeddings, (2, 3, 1, 4), value=1e6)
    meta = dict(img_shape=(52, 68), pad_shape=(52, 68), img_padding_size=(8, 12, 4, 16))
    torch.testing.assert_close(head.predict_by_feat(padded, [meta])[..., 4:36, 8:56], plain)


@given(st.integers(1, 40), st.integers(1, 20), st.data())
def test_valid_cells_are_those_with_their_centre_inside_or_the_nearest(
    cells: int, stride: int, data: st.DataObject
) -> None:
    pixels = data.draw(st.integers(1, cells * stride))
    before = data.draw(st.integers(0, pixels - 1))
    after = data.draw(st.integers(0, pixels - 1 - before))
    found = list(range(cells))[valid_cells(cells, pixels, before, after)]
    # Twice the cells' centres times the number of cells, to stay with whole numbers.
    centres = [(2 * i + 1) * pixels for i in range(cells)]
    inside = [i for i in range(cells) if 2 * before * cells <= centres[i] < 2 * (pixels - after) * cells]
    if inside:
        assert found == inside
    else:
        middle = (before + pixels - after) * cells
        assert len(found) == 1
        assert abs(centres[found[0]] - middle) == min(abs(centre - middle) for centre in centres)


# Through mmseg's own parts


def test_the_plain_encoder_decoder_gives_embeddings_in_tensor_mode() -> None:
    embeddings = make_segmentor()(torch.randn(2, 3, 32, 48), mode='tensor')
    assert embeddings.shape == (2, 8, 16, 24)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(2, 16, 24))


def test_the_plain_encoder_decoder_predicts_with_it() -> None:
    model = make_segmentor()
    samples = make_samples(half_masks(), ori_shape=(64, 100))
    with torch.no_grad():
        results = model(torch.randn(2, 3, 32, 48), samples, mode='predict')
    for result in results:
        assert result.seg_logits.data.shape == (2, 64, 100)
        assert result.pred_sem_seg.data.dtype == torch.int64
        assert torch.equal(result.pred_sem_seg.data[0], result.seg_logits.data.argmax(0))
        assert result.pred_sem_seg.data.unique().tolist() == [0, 1]


def test_the_data_preprocessors_padding_is_left_out() -> None:
    model = make_segmentor()
    model.data_preprocessor.test_cfg = dict(size_divisor=32)
    samples = make_samples(half_masks(1, 4, 40))
    result = model.test_step(dict(inputs=[torch.randn(3, 4, 40)], data_samples=samples))[0]
    assert result.metainfo['img_padding_size'] == (0, 24, 0, 28)
    assert len(model.decode_head.clusterer.seen[0]) == 2 * 20
    assert result.pred_sem_seg.data.shape == (1, 4, 40)


def test_slide_mode_is_refused_with_the_remedy() -> None:
    model = make_segmentor(mode='slide')
    with pytest.raises(
        ValueError, match=r"mode='slide'.*Use model\.type='FOCALEncoderDecoder'.*model\.test_cfg=dict\(mode='whole'\)"
    ):
        model(torch.randn(1, 3, 32, 48), make_samples(half_masks(1)), mode='predict')
    assert not model.decode_head.clusterer.seen


@pytest.mark.parametrize('test_cfg', [None, dict()])
def test_predict_needs_no_test_cfg(test_cfg: dict | None) -> None:
    head = FOCALHead(4, 8, clusterer=SPY)
    assert head.predict(make_levels(1), [dict(img_shape=(32, 48))], test_cfg).shape == (1, 2, 32, 48)


@pytest.mark.filterwarnings('ignore:The shape of value will convert')
def test_mmsegs_own_tta_model_works_on_it() -> None:
    model = make_segmentor()
    image = torch.randn(3, 32, 48)
    views = [
        make_samples(half_masks(1), flip=False),
        make_samples(half_masks(1), flip=True, flip_direction='horizontal'),
    ]
    singles = [
        model.test_step(dict(inputs=[view], data_samples=[sample[0].clone()]))[0].seg_logits.data.softmax(0)
        for view, sample in zip([image, image.flip(2)], views, strict=True)
    ]
    merged = SegTTAModel(module=model).test_step(dict(inputs=[[image], [image.flip(2)]], data_samples=views))[0]
    assert torch.equal(merged.pred_sem_seg.data[0], sum(singles).argmax(0))
    assert merged.pred_sem_seg.data.unique().tolist() == [0, 1]


# --- losses that do not fit


@pytest.mark.parametrize('loss', ['CrossEntropyLoss', 'DiceLoss', 'FocalLoss', 'LovaszLoss', 'BoundaryLoss'])
@pytest.mark.parametrize('beside', [True, False])
def test_losses_of_class_scores_are_refused_with_their_place(loss: str, beside: bool) -> None:
    other = dict(type=loss, **(dict(reduction='none') if loss == 'LovaszLoss' else {}))
    losses = [dict(type='InfoNCEPlusPlusLoss'), other] if beside else other
    with pytest.raises(ConfigError, match=rf'loss_decode: {loss} is no contrastive loss.*model\.auxiliary_head'):
        MODELS.build(dict(type='FOCALHead', in_channels=[3, 5, 4], channels=8, loss_decode=losses))


def test_several_contrastive_losses_are_taken() -> None:
    losses = [dict(type='InfoNCEPlusPlusLoss'), dict(type='TripletLoss')]
    head = MODELS.build(dict(type='FOCALHead', in_channels=[3, 5, 4], channels=8, loss_decode=losses))
    assert len(head.loss_decode) == 2


def test_other_losses_train_in_an_auxiliary_head() -> None:
    model = MODELS.build(
        dict(
            type='FOCALEncoderDecoder',
            backbone=dict(type='ToyPyramid'),
            decode_head=dict(type='FOCALHead', in_channels=list(WIDTHS), channels=8),
            auxiliary_head=dict(
                type='FCNHead',
                in_channels=WIDTHS[0],
                in_index=0,
                channels=4,
                num_convs=1,
                num_classes=2,
                out_channels=2,
                loss_decode=[dict(type='CrossEntropyLoss'), dict(type='DiceLoss')],
            ),
            train_cfg=ConfigDict(),
            test_cfg=ConfigDict(mode='whole'),
        )
    )
    truth = torch.zeros(1, 32, 48, dtype=torch.int64)
    truth[:, :16, :16] = 1
    samples = [SegDataSample(gt_sem_seg=PixelData(data=truth), metainfo=dict(img_shape=(32, 48)))]
    losses = model(torch.rand(1, 3, 32, 48), samples, mode='loss')
    assert {'decode.loss_info_nce_plus_plus', 'aux.loss_ce', 'aux.loss_dice'} <= set(losses)


@pytest.mark.parametrize('loss', ['InfoNCEPlusPlusLoss', 'SoftContrastiveLoss', 'CircleLoss'])
def test_contrastive_losses_name_their_place_where_class_scores_reach_them(loss: str) -> None:
    options = dict(in_channels=3, channels=4, num_convs=1, num_classes=2, out_channels=2)
    head = MODELS.build(dict(type='FCNHead', loss_decode=dict(type=loss), **options))
    truth = PixelData(data=torch.zeros(1, 8, 8, dtype=torch.int64))
    with pytest.raises(TypeError, match=rf'{loss} was given weight.*belongs into the loss_decode of a FOCALHead'):
        head.loss([torch.rand(1, 3, 8, 8)], [SegDataSample(gt_sem_seg=truth)], ConfigDict())


# The gate


def test_the_gate_decides_what_is_forged_and_how_sure_the_image_is() -> None:
    options = dict(clusterer=dict(type='PristineCentreClusterer'), gate=dict(type='EvidenceGate', threshold=0.3))
    head = FOCALHead(3, None, **options)
    assert not head.state_dict()
    embeddings = F.normalize(torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0)), dim=1)
    logits = head.predict_by_feat(embeddings, [dict(img_shape=(8, 12))] * 2)
    localised = head.localise(list(embeddings), [{}, {}])
    for image, found, logit in zip(embeddings, [each.found for each in localised], logits, strict=True):
        points = image.flatten(1).T
        wanted = EvidenceGate(0.3)(points, head.clusterer.localise(points))
        assert torch.equal(found.forged, wanted.forged) and found.image_score == wanted.gate_score
        assert torch.equal(logit.argmax(0).flatten() == 1, wanted.forged)
        torch.testing.assert_close(logit.softmax(0)[1].flatten(), wanted.score.clamp(1e-4, 1 - 1e-4))


def test_without_a_gate_the_clusters_decide() -> None:
    head = FOCALHead(3, None, clusterer=SPY)
    assert head.gate is None
    (each,) = head.localise([F.normalize(torch.randn(3, 8, 12), dim=0)], [{}])
    assert each.found.gate_score is None
