"""Test-time augmentation that keeps the soft score."""

import torch
from mmengine.model import BaseTTAModel
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.utils import SampleList

from .clustering_fields import merge_clustering


@MODELS.register_module()
class FOCALTTAModel(BaseTTAModel):
    """Averages the forged scores of the augmented views; the mask and the score map both come from the average.

    mmseg's own ``SegTTAModel`` works with a FOCAL head too, but leaves one view's ``seg_logits`` and clusters beside
    the merged mask, so that a metric on the scores (AUC) would measure that one view.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge the views of each image.

        Args:
            data_samples_list (list[list[SegDataSample]]): For each image its views, each with ``seg_logits`` of
                shape (2, H, W), flips undone.

        Returns:
            list[SegDataSample]: The first view of each image with merged ``seg_logits`` and ``pred_sem_seg``, and,
            where the views have them, ``confidence`` and the numbers of :mod:`.clustering_fields`, as ``image_score``.
        """
        merged = []
        for views in data_samples_list:
            scores = torch.stack([view.seg_logits.data.softmax(dim=0) for view in views]).mean(0)
            sample = views[0]
            sample.set_data(
                dict(
                    seg_logits=PixelData(data=scores.log()),
                    pred_sem_seg=PixelData(data=scores.argmax(dim=0, keepdim=True)),
                )
            )
            if 'confidence' in sample:
                confidence = torch.stack([view.confidence.data for view in views]).mean(0)
                sample.set_data(dict(confidence=PixelData(data=confidence)))
            merged.append(merge_clustering(sample, views))
        return merged
