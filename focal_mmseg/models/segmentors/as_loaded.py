"""What segmentors share that take the image as it was loaded and bring no weights of a training of their own."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from mmseg.models.segmentors import BaseSegmentor
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor

from focal_mmseg.datasets import ForgeryDataset
from focal_mmseg.models.log_scores import log_scores


class AsLoadedSegmentor(BaseSegmentor):
    """Gives two channels, pristine and forged, of images of any sizes, which nothing has normalised.

    Attributes:
        needs_checkpoint (bool): False: tools and inferencers start it without one, see :func:`require_source`.
        not_trained (str): What the user is told who tries to train it.
    """

    needs_checkpoint: ClassVar[bool] = False
    not_trained: ClassVar[str] = 'it has no parameters'
    # What mmseg's postprocessing and inference ask of a segmentor.
    align_corners = False
    num_classes = 2
    out_channels = 2

    def __init__(self) -> None:
        super().__init__(data_preprocessor=_AsLoaded())
        self.dataset_meta = dict(ForgeryDataset.METAINFO)

    @abstractmethod
    def encode_decode(self, inputs: Sequence[Tensor], batch_img_metas: list[dict]) -> list[Tensor]:
        """Localise the forged regions of images as they are, flipped ones too.

        Args:
            inputs (Sequence[Tensor]): uint8 of shape (3, H_i, W_i), BGR, as loaded.
            batch_img_metas (list[dict]): One an image.

        Returns:
            list[Tensor]: One an image, of its size: float32 of shape (2, H_i, W_i), the logarithms of the scores for
            pristine and forged.
        """

    def predict(self, inputs: Sequence[Tensor], data_samples: OptSampleList = None) -> SampleList:
        """Localise the forged regions of images.

        Args:
            inputs (Sequence[Tensor]): See :meth:`encode_decode`.
            data_samples (list[SegDataSample], optional): One an image; a flip that it tells of is undone.

        Returns:
            list[SegDataSample]: With ``seg_logits`` (2, H, W) and ``pred_sem_seg`` (1, H, W), as mmseg's
            ``EncoderDecoder`` gives them.

        Raises:
            ValueError: If an image cannot be used.
        """
        return self.pack(self.encode_decode(inputs, self.metas(inputs, data_samples)), data_samples)

    @staticmethod
    def metas(inputs: Sequence[Tensor], data_samples: OptSampleList) -> list[dict]:
        """The meta of each image; empty without data samples."""
        return [{}] * len(inputs) if data_samples is None else [sample.metainfo for sample in data_samples]

    def pack(self, logits: Sequence[Tensor], data_samples: OptSampleList) -> SampleList:
        """Bring logits into data samples, one image at a time, for they are of different sizes.

        Args:
            logits (Sequence[Tensor]): From :meth:`encode_decode`.
            data_samples (list[SegDataSample], optional): One an image.

        Returns:
            list[SegDataSample]: See :meth:`predict`.
        """
        batches = [None] * len(logits) if data_samples is None else [[sample] for sample in data_samples]
        return [self.postprocess_result(each[None], batch)[0] for each, batch in zip(logits, batches, strict=True)]

    def loss(self, inputs: Any, data_samples: Any) -> dict[str, Tensor]:
        """There is nothing to train.

        Raises:
            TypeError: Always.
        """
        raise TypeError(f'{type(self).__name__} is not trained: {self.not_trained}')

    def extract_feat(self, inputs: Sequence[Tensor]) -> Sequence[Any]:
        """There are no features but the images."""
        return inputs

    def _forward(self, inputs: Sequence[Tensor], data_samples: OptSampleList = None) -> list[Tensor]:
        """What :meth:`encode_decode` gives."""
        return self.encode_decode(inputs, self.metas(inputs, data_samples))


class ScoringSegmentor(AsLoadedSegmentor):
    """A segmentor without parameters: one function of an image, :meth:`score`, that gives its score map.

    Args:
        train_cfg (None): mmseg's ``init_model`` sets it, and ``pretrained``; there is nothing to train.
        pretrained (None): See ``train_cfg``.
    """

    def __init__(self, train_cfg: None = None, pretrained: None = None) -> None:
        super().__init__()

    @abstractmethod
    def score(self, image: np.ndarray, meta: dict) -> np.ndarray:
        """How likely each pixel is forged.

        Args:
            image (np.ndarray): uint8 of shape (H, W, 3), BGR, as loaded, flipped if ``meta`` says so.
            meta (dict): What the pipeline packed of the image, ``img_path`` and ``image`` for one; may be empty.

        Returns:
            np.ndarray: float of shape (H, W) in [0, 1]; above 1/2 is forged.
        """

    def encode_decode(self, inputs: Sequence[Tensor], batch_img_metas: list[dict]) -> list[Tensor]:
        """See :meth:`AsLoadedSegmentor.encode_decode`; the score is made on the processor."""
        logits = []
        for tensor, meta in zip(inputs, batch_img_metas, strict=True):
            image = np.ascontiguousarray(tensor.permute(1, 2, 0).cpu().numpy())
            score = torch.from_numpy(np.asarray(self.score(image, meta), np.float64))
            logits.append(log_scores(score[None], 0).float().to(self.data_preprocessor.device))
        return logits


class _AsLoaded(BaseDataPreprocessor):
    """Hands images on as they are."""

    def forward(self, data: dict, training: bool = False) -> dict:
        return data
