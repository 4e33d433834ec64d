"""The encoder-decoder of networks that take images at their own size and may judge them as a whole."""

from collections.abc import Sequence
from typing import Any

from mmengine.dataset import pseudo_collate
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor


@MODELS.register_module()
class PeerEncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder`` for batches of several sizes; each image also gets the network's ``image_score``.

    Images that differ in size are tested one by one, never padded to each other's size, which would change what the
    network says. The image scores are what the head left in ``last_image_scores``, numbers in [0, 1], one an image; a
    head without them leaves the score to the metric.

    Args:
        *args: Of mmseg's ``EncoderDecoder``.
        **kwargs: The same.
    """

    def test_step(self, data: dict[str, Any]) -> SampleList:
        """Predict a batch, as it comes from the data loader.

        Args:
            data (dict): ``inputs``, tensors (C, H_i, W_i), and ``data_samples``.

        Returns:
            list[SegDataSample]: See :meth:`predict`.
        """
        inputs, samples = data['inputs'], data.get('data_samples')
        if len(inputs) < 2 or samples is None or len(_sizes(inputs, samples)) == 1:
            return super().test_step(data)
        alone = [dict(inputs=each, data_samples=sample) for each, sample in zip(inputs, samples, strict=True)]
        return [super(PeerEncoderDecoder, self).test_step(pseudo_collate([each]))[0] for each in alone]

    def val_step(self, data: dict[str, Any]) -> SampleList:
        """See :meth:`test_step`."""
        return self.test_step(data)

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict masks and scores as mmseg does, and ``image_score``."""
        samples = super().predict(inputs, data_samples)
        scores = getattr(self.decode_head, 'last_image_scores', [])
        # What is missing for some of the images would land at the wrong ones.
        for sample, score in zip(samples, scores, strict=bool(scores)):
            sample.set_field(score, 'image_score')
        return samples


def _sizes(inputs: Sequence[Tensor], samples: SampleList) -> set[tuple[int, ...]]:
    """Sizes of inputs and of the images' files."""
    return {(*each.shape, *sample.metainfo['ori_shape']) for each, sample in zip(inputs, samples, strict=True)}
