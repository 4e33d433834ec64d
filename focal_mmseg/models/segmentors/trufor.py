"""TruFor: a mask, how sure it is of it at every pixel, and a verdict on the image."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import ConfigType, OptSampleList, SampleList, add_prefix
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.log_scores import logit_to_log_scores

from .native_size import NativeSizeEncoderDecoder

PARTS = ('backbone', 'decode_head')


@MODELS.register_module()
class TruFor(NativeSizeEncoderDecoder):
    """An encoder-decoder with a second decoder for the confidence, and a detector over both.

    Each data sample also gets ``confidence``, float of shape (1, H, W) in [0, 1], and ``image_score`` in [0, 1].
    Neither changes the mask. An image that is smaller than the backbone takes is continued at its right and lower
    border; the detector sees the image alone, without that and without padding.

    It is trained as the released one, first without ``confidence_head`` and ``detector``, then these two alone on
    ``frozen=('backbone', 'decode_head')`` from the first training's checkpoint (``load_from``).

    Args:
        *args: Of mmseg's ``EncoderDecoder``.
        confidence_head (dict, optional): Config of a :class:`TruForHead` with ``out_channels=1``; its ``loss_decode``
            is a :class:`TrueClassProbabilityLoss`. Defaults to None.
        detector (dict, optional): Config of a :class:`TruForDetector`. Needs ``confidence_head``. Defaults to None.
        frozen (Sequence[str]): What a training leaves as it is, of ``'backbone'`` and ``'decode_head'``: no gradients,
            evaluation mode, no loss of its own. Defaults to nothing.
        **kwargs: Of mmseg's ``EncoderDecoder``.

    Raises:
        ValueError: If there is a detector without confidence, nothing is left to train, a part is unknown, or
            ``test_cfg.mode`` is not ``'whole'``.

    Source:
        TruFor: Guillaro et al., CVPR 2023.
    """

    def __init__(
        self,
        *args: Any,
        confidence_head: ConfigType | None = None,
        detector: ConfigType | None = None,
        frozen: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if detector is not None and confidence_head is None:
            raise ValueError('the detector looks at the confidence: give a confidence_head too')
        if not set(frozen) <= set(PARTS):
            raise ValueError(f'frozen must be some of {PARTS}, got {tuple(frozen)}')
        if set(frozen) == set(PARTS) and confidence_head is None:
            raise ValueError(f'frozen={tuple(frozen)} leaves nothing to train: give a confidence_head, or freeze less')
        if self.test_cfg is not None and self.test_cfg.get('mode', 'whole') != 'whole':
            raise ValueError(
                f'TruFor judges an image as a whole, got model.test_cfg.mode={self.test_cfg.mode!r}: use '
                "model.test_cfg=dict(mode='whole'); LimitPixels in the test pipeline keeps large images within memory"
            )
        self.confidence_head = None if confidence_head is None else MODELS.build(confidence_head)
        self.detector = None if detector is None else MODELS.build(detector)
        self.frozen = tuple(frozen)
        self._loaded: set[str] = set()
        for part in self.frozen:
            getattr(self, part).requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> 'TruFor':
        """Frozen parts stay in evaluation."""
        super().train(mode)
        for part in getattr(self, 'frozen', ()):
            getattr(self, part).eval()
        return self

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """The losses of what is not frozen.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            data_samples (list[SegDataSample]): With ``gt_sem_seg`` of shape (1, H, W).

        Returns:
            dict[str, Tensor]: As ``decode.loss_ce``, ``confidence.loss_tcp``, ``detector.loss_image``.

        Raises:
            ValueError: If a frozen part has random weights.
        """
        self._require_loaded()
        with self._gradients('backbone'):
            features = self.extract_feat(inputs)
        with self._gradients('decode_head'):
            seg_logits = self.decode_head(features)
        losses: dict[str, Tensor] = {}
        if 'decode_head' not in self.frozen:
            losses |= add_prefix(self.decode_head.loss_by_feat(seg_logits, data_samples), 'decode')
        if self.confidence_head is None:
            return losses
        truth = torch.stack([sample.gt_sem_seg.data.squeeze(0) for sample in data_samples])
        seg_logits, confidence = (
            resize(logits, truth.shape[1:], mode='bilinear', align_corners=self.align_corners)
            for logits in (seg_logits, self.confidence_head(features))
        )
        compare = self.confidence_head.loss_decode
        value = compare(confidence, seg_logits, truth, ignore_index=self.confidence_head.ignore_index)
        losses[f'confidence.{compare.loss_name}'] = value
        if self.detector is not None:
            compare = self.detector.loss_decode
            losses[f'detector.{compare.loss_name}'] = compare(self.detector(seg_logits, confidence), truth)
        return losses

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Decode images.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            batch_img_metas (list[dict]): One an image.

        Returns:
            Tensor: Logits of shape (N, 2, H, W), pristine and forged, or with those of the confidence (N, 3, H, W).
        """
        height, width = inputs.shape[2:]
        least = getattr(self.backbone, 'least_side', 1)
        beyond = (0, max(0, least - width), 0, max(0, least - height))
        features = self.extract_feat(F.pad(inputs, beyond, mode='replicate') if any(beyond) else inputs)
        size = torch.Size((height + beyond[3], width + beyond[1]))
        metas = [{**meta, 'img_shape': size} for meta in batch_img_metas]
        heads = [head for head in (self.decode_head, self.confidence_head) if head is not None]
        logits = torch.cat([head.predict(features, metas, self.test_cfg) for head in heads], 1)
        return logits[:, :, :height, :width]

    def postprocess_result(self, seg_logits: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Bring masks and confidences to the images' sizes, and judge the images.

        Args:
            seg_logits (Tensor): From :meth:`encode_decode`.
            data_samples (list[SegDataSample], optional): One an image.

        Returns:
            list[SegDataSample]: With ``seg_logits`` (2, H, W), ``pred_sem_seg`` (1, H, W), and where there are heads
            for them ``confidence`` (1, H, W) and ``image_score``.
        """
        masks, confidences = seg_logits[:, :2], seg_logits[:, 2:]
        samples = super().postprocess_result(masks, data_samples)
        if self.confidence_head is None:
            return samples
        alike = None if data_samples is None else [SegDataSample(metainfo=each.metainfo) for each in data_samples]
        resized = super().postprocess_result(logit_to_log_scores(confidences), alike)
        for number, (sample, confidence) in enumerate(zip(samples, resized, strict=True)):
            sample.set_data(dict(confidence=PixelData(data=confidence.seg_logits.data.softmax(0)[1:])))
            if self.detector is not None:
                rows, columns = _unpadded(sample.metainfo, seg_logits.shape[2:])
                mask, sure = (each[number : number + 1, :, rows, columns] for each in (masks, confidences))
                sample.set_field(self.detector(mask, sure).sigmoid().item(), 'image_score')
        return samples

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        """Logits of all heads at the decoder's size, of shape (N, 2 or 3, h, w)."""
        features = self.extract_feat(inputs)
        heads = [head for head in (self.decode_head, self.confidence_head) if head is not None]
        return torch.cat([head(features) for head in heads], 1)

    def _gradients(self, part: str) -> Any:
        return torch.no_grad() if part in self.frozen else nullcontext()

    def _require_loaded(self) -> None:
        """Refuse to train on random features."""
        missing = [part for part in self.frozen if part not in self._loaded]
        if missing:
            raise ValueError(
                f'model.frozen has {" and ".join(missing)}, whose weights are random, or not all of a checkpoint: name '
                'the checkpoint of the training before by load_from=...'
            )

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *args: Any) -> None:
        """Notice which frozen parts a checkpoint brings; torch and mmengine call it."""
        super()._load_from_state_dict(state_dict, prefix, *args)
        for part in self.frozen:
            if all(f'{prefix}{part}.{name}' in state_dict for name in getattr(self, part).state_dict()):
                self._loaded.add(part)


def _unpadded(meta: dict, size: torch.Size) -> tuple[slice, slice]:
    """Rows and columns of the network's input that show the image."""
    left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
    return slice(top, size[0] - bottom), slice(left, size[1] - right)
