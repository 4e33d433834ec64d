"""What networks need that take each picture at its own size: no stack of a test's pictures, no padding."""

from collections.abc import Sequence

from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor

from focal_mmseg.models.jpeg_data_preprocessor import JPEGDataPreProcessor


@MODELS.register_module()
class NativeSizePreProcessor(SegDataPreProcessor):
    """mmseg's ``SegDataPreProcessor``, but the images of a test may be of different sizes.

    In training it is mmseg's, which pads to ``size``.

    Args:
        *args: Of mmseg's.
        **kwargs: The same.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalise a batch.

        Args:
            data (dict): ``inputs``, one tensor (C, H_i, W_i) an image, and optionally ``data_samples``.
            training (bool): Defaults to False.

        Returns:
            dict: ``data_samples`` and ``inputs``: in training (N, C, H, W), in a test a list of (1, C, H_i, W_i), each
            padded by itself if ``test_cfg`` says so.
        """
        if training:
            return super().forward(data, training)
        inputs, samples = [], []
        for number, image in enumerate(data['inputs']):
            sample = [data['data_samples'][number]] if data.get('data_samples') else None
            batch = super().forward(dict(inputs=[image], data_samples=sample))
            inputs.append(batch['inputs'])
            samples += batch['data_samples'] or []
        return dict(inputs=inputs, data_samples=samples or None)


@MODELS.register_module()
class NativeSizeJPEGPreProcessor(NativeSizePreProcessor, JPEGDataPreProcessor):
    """:class:`JPEGDataPreProcessor`, whose images of a test may be of different sizes.

    Args:
        **options: Of :class:`JPEGDataPreProcessor`.
    """


@MODELS.register_module()
class NativeSizeEncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder``, but a test takes the images of a batch one by one, of whatever sizes.

    Its config has ``data_preprocessor=dict(type='NativeSizePreProcessor', ...)``. A decode head that judges the image
    as a whole leaves its score, a float in [0, 1], in ``last_image_score``; the sample gets it as ``image_score``.
    """

    def predict(self, inputs: Tensor | Sequence[Tensor], data_samples: OptSampleList = None) -> SampleList:
        """Predict as mmseg does.

        Args:
            inputs (Tensor | Sequence[Tensor]): Of shape (N, C, H, W), or of shape (1, C, H_i, W_i) each.
            data_samples (list[SegDataSample], optional): One an image.

        Returns:
            list[SegDataSample]: With ``seg_logits`` (2, H, W) and ``pred_sem_seg`` (1, H, W) of the images' own sizes,
            and ``image_score`` of heads that give one.
        """
        found = []
        for number, image in enumerate(inputs.split(1) if isinstance(inputs, Tensor) else inputs):
            sample = None if data_samples is None else [data_samples[number]]
            found += super().predict(image, sample)
            score = getattr(self.decode_head, 'last_image_score', None)
            if score is not None:
                found[-1].set_field(score, 'image_score')
        return found
