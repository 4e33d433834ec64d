import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from focal_mmseg.models import FOCALTTAModel


class Replay(nn.Module):
    """A segmentor whose test_step gives its inputs back as logits."""

    def test_step(self, data: dict) -> list[SegDataSample]:
        for logits, sample in zip(data['inputs'], data['data_samples'], strict=True):
            sample.seg_logits = PixelData(data=logits)
            sample.pred_sem_seg = PixelData(data=logits.argmax(0, keepdim=True))
        return data['data_samples']


def make_views(images: int, views: int, seed: int = 0) -> Tensor:
    """Logits of shape (views, images, 2, 6, 9)."""
    return torch.randn(views, images, 2, 6, 9, generator=torch.Generator().manual_seed(seed))


def run(logits: Tensor) -> list[SegDataSample]:
    samples = [
        [SegDataSample(metainfo=dict(img_path=f'{image}.png', view=view)) for image in range(logits.shape[1])]
        for view in range(logits.shape[0])
    ]
    for sample in samples[0]:
        sample.gt_sem_seg = PixelData(data=torch.ones(1, 6, 9))
    return FOCALTTAModel(module=Replay()).test_step(dict(inputs=[list(view) for view in logits], data_samples=samples))


@pytest.mark.parametrize('views', [1, 2, 5])
def test_the_merged_score_is_the_mean_of_the_views_scores(views: int) -> None:
    logits = make_views(3, views)
    for image, sample in enumerate(run(logits)):
        scores = [1 / (1 + (view[image, 0] - view[image, 1]).exp()) for view in logits]
        torch.testing.assert_close(sample.seg_logits.data.softmax(0)[1], sum(scores) / views)


def test_the_image_score_is_the_mean_of_the_views() -> None:
    logits = make_views(2, 2)
    assert all('image_score' not in sample for sample in run(logits))
    views = [[SegDataSample(), SegDataSample()], [SegDataSample(), SegDataSample()]]
    for number, image in enumerate(views):
        for view, sample in enumerate(image):
            sample.seg_logits = PixelData(data=logits[view, number])
            sample.set_field(0.1 + 0.2 * view + 0.4 * number, 'image_score')
    merged = FOCALTTAModel(module=Replay()).merge_preds(views)
    assert [sample.image_score for sample in merged] == pytest.approx([0.2, 0.6])


def test_the_mask_and_the_scores_agree() -> None:
    for sample in run(make_views(3, 4)):
        assert sample.seg_logits.data.shape == (2, 6, 9)
        assert sample.pred_sem_seg.data.shape == (1, 6, 9) and sample.pred_sem_seg.data.dtype == torch.int64
        forged = sample.seg_logits.data.softmax(0)[1] > 0.5
        assert torch.equal(sample.pred_sem_seg.data[0].bool(), forged)
        assert forged.any() and not forged.all()


def test_a_sure_view_outvotes_two_doubtful_ones() -> None:
    logits = torch.zeros(3, 1, 2, 6, 9)
    logits[0, 0, 1], logits[1:, 0, 0] = 9.0, 0.1
    assert run(logits)[0].pred_sem_seg.data.all()


def test_each_image_keeps_its_own_name_and_truth() -> None:
    results = run(make_views(2, 3))
    assert [sample.img_path for sample in results] == ['0.png', '1.png']
    assert all(sample.gt_sem_seg.data.all() for sample in results)


def test_a_config_builds_it_by_its_name() -> None:
    assert isinstance(MODELS.build(dict(type='FOCALTTAModel', module=Replay())), FOCALTTAModel)
