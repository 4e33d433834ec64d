"""The score of a picture as a whole."""

import pytest
import torch
from mmseg.structures import SegDataSample

from focal_mmseg.clustering import Localisation
from focal_mmseg.models.segmentors.image_score import give_image_scores


def found(heterogeneity: float) -> Localisation:
    return Localisation(torch.zeros(1, dtype=torch.bool), torch.zeros(1), 1, 0.0, heterogeneity)


def test_a_picture_gets_the_mean_of_the_members() -> None:
    samples = give_image_scores([SegDataSample(), SegDataSample()], [found(each) for each in (0.1, 0.2, 0.5, 0.8)])
    assert [sample.image_score for sample in samples] == pytest.approx([0.3, 0.5])
    assert samples[0].to_dict()['image_score'] == pytest.approx(0.3)
