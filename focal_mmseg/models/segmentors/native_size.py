"""What networks need that take each image at its own size: no stack of a test's images, no padding."""

from collections.abc import Sequence
from typing import Any

from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
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
        inputs: list[Tensor] = []
        samples: list[SegDataSample] = []
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
    as a whole has a ``predict_with_image_score``; the sample gets that score, in [0, 1], as ``image_score``.
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
        images = inputs.split(1) if isinstance(inputs, Tensor) else inputs
        batches = [None] * len(images) if data_samples is None else [[sample] for sample in data_samples]
        return [self._predict_one(*each) for each in zip(images, batches, strict=True)]

    @property
    def has_extra_outputs(self) -> bool:
        """Whether the heads say more of an image than its logits; otherwise :meth:`inference` does all."""
        return hasattr(self.decode_head, 'predict_with_image_score')

    def decode(self, features: Sequence[Tensor], metas: list[dict]) -> tuple[Tensor, dict[str, Any]]:
        """Read the features of one image.

        Args:
            features (Sequence[Tensor]): Of the backbone or neck.
            metas (list[dict]): The image's meta.

        Returns:
            tuple[Tensor, dict[str, Any]]: Logits (1, 2, h, w), and further fields of the image's data sample.
        """
        if not hasattr(self.decode_head, 'predict_with_image_score'):  # a subclass has more to give
            return self.decode_head.predict(features, metas, self.test_cfg), {}
        logits, score = self.decode_head.predict_with_image_score(features, metas, self.test_cfg)
        return logits, {} if score is None else dict(image_score=score)

    def _predict_one(self, image: Tensor, batch: OptSampleList) -> SegDataSample:
        size = image.shape[2:]
        metas = [batch[0].metainfo if batch else dict(ori_shape=size, img_shape=size, pad_shape=size)]
        # By windows or tiles there is no reading of the image as a whole.
        is_whole = (self.test_cfg or {}).get('mode', 'whole') == 'whole'
        if is_whole and self.has_extra_outputs:
            logits, fields = self.decode(self.extract_feat(image), metas)
        else:
            logits, fields = self.inference(image, metas), {}
        (sample,) = self.postprocess_result(logits, batch)
        for name, value in fields.items():
            sample.set_field(value, name)
        return sample
