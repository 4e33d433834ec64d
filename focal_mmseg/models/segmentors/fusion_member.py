"""A trained FOCAL network as a member of a fusion."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from focal_mmseg.engine.checkpoint import load_to_test, load_weights
from focal_mmseg.models.decode_heads.focal_head import SLIDE_REFUSED, FOCALHead
from focal_mmseg.utils import read_config

from .focal_encoder_decoder import FOCALEncoderDecoder

# How a fusion's LoadImageFromFile decodes: options that change what a network sees.
AS_LOADED = dict(color_type='color', imdecode_backend='cv2')


@dataclass(frozen=True)
class MemberMap:
    """What a member makes of one image.

    Attributes:
        embeddings (Tensor): Unit length, shape (C, h, w), the member's padding left out.
        segmentor (EncoderDecoder): The member's network.
        cells (tuple[int, int]): Height and width of the map with its padding.
        size (tuple[int, int]): Height and width of the member's input, in pixels.
        meta (dict): The image's meta for the map.
        sample (SegDataSample): The image, as the member's own test pipeline packed it.
    """

    embeddings: Tensor
    segmentor: EncoderDecoder
    cells: tuple[int, int]
    size: tuple[int, int]
    meta: dict
    sample: SegDataSample

    def logits(self, score: Tensor) -> Tensor:
        """Bring forged scores to the image's size, the way the member's own scores go.

        Args:
            score (Tensor): float32 in [0, 1] of shape (h, w).

        Returns:
            Tensor: float32 of shape (2, H, W), see :meth:`FOCALHead.predict_by_feat`.
        """
        logits = self.segmentor.decode_head.scores_to_logits([score], self.cells, [self.meta])
        logits = logits[:, :, : self.size[0], : self.size[1]]
        return self.segmentor.postprocess_result(logits, [self.sample])[0].seg_logits.data


class FusionMember(nn.Module):
    """Embeds images by a trained network, each through the network's own test pipeline and preprocessor.

    Args:
        config (str): The network's config file.
        checkpoint (str): Its weights, read without running code from the file.
        weight (float): What its embeddings are multiplied by, at least 0. Defaults to 1.
        resident (bool): Whether the network moves with the model. Else it rests on the CPU, and is on the accelerator
            only while it embeds. Defaults to True.

    Raises:
        FileNotFoundError: If config or checkpoint is missing.
        ValueError: If the weight is not a finite number of at least 0, the config's model is no FOCAL network or its
            pipeline has no beginning that can be replaced, or decodes images in another way than a fusion, or the
            checkpoint cannot be read or does not fit.
    """

    def __init__(self, config: str, checkpoint: str, weight: float = 1.0, *, resident: bool = True) -> None:
        super().__init__()
        if not (isinstance(weight, int | float) and math.isfinite(weight) and weight >= 0):
            raise ValueError(f'the weight of the member {config} must be a finite number of at least 0, got {weight}')
        if not Path(config).is_file():
            raise FileNotFoundError(f'the config {config} of a member does not exist')
        weights = load_weights(checkpoint)
        cfg = read_config(config)
        self.weight = float(weight)
        self.resident = resident
        self.segmentor = _focal_network(cfg, config)
        self._prepare = _pipeline_after_loading(cfg, config)
        load_to_test(self.segmentor, weights, f'the checkpoint {checkpoint} of the member {config}')

    def embed(self, images: Sequence[Tensor], device: torch.device) -> list[MemberMap]:
        """Embed images of any sizes, one after the other.

        Args:
            images (Sequence[Tensor]): uint8 of shape (3, H, W), BGR, as a test pipeline loads and packs them.
            device (torch.device): Where a network that is not resident works meanwhile.

        Returns:
            list[MemberMap]: One an image. Those of a network that is not resident are on the CPU.
        """
        if self.resident:
            return [self._embed(image) for image in images]
        self.segmentor.to(device)
        try:
            maps = (self._embed(image) for image in images)
            return [replace(each, embeddings=each.embeddings.cpu()) for each in maps]
        finally:
            self.segmentor.to('cpu')

    def _embed(self, image: Tensor) -> MemberMap:
        """Embed one image."""
        packed = self._prepare(dict(img=np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())))
        data = self.segmentor.data_preprocessor(pseudo_collate([packed]), False)
        inputs, sample = data['inputs'], data['data_samples'][0]
        metas = [sample.metainfo]
        if _slides(self.segmentor):
            embeddings, metas = self.segmentor.slide_embeddings(inputs, metas)
        else:
            embeddings = self.segmentor(inputs, mode='tensor')
        (valid,) = self.segmentor.decode_head.remove_padding(embeddings, metas)
        return MemberMap(valid, self.segmentor, embeddings.shape[2:], inputs.shape[2:], metas[0], sample)

    def _apply(self, fn: Callable, recurse: bool = True) -> nn.Module:
        """What moves and casts a module (``to``, ``cuda``, ...): a network that is not resident stays where it is."""
        return super()._apply(fn, recurse) if self.resident else self


def _slides(segmentor: nn.Module) -> bool:
    test_cfg = getattr(segmentor, 'test_cfg', None) or {}
    return test_cfg.get('mode', 'whole') == 'slide'


def _focal_network(cfg: Config, config: str) -> EncoderDecoder:
    """Build a config's model, which must give the embeddings of whole images."""
    try:
        segmentor = MODELS.build(cfg.model)
    except ValueError as error:
        raise ValueError(f'the member {config} cannot be built: {error}') from error
    head = getattr(segmentor, 'decode_head', None)
    if not isinstance(head, FOCALHead):
        raise ValueError(
            f'the member {config} is no FOCAL network: its decode_head is {type(head).__name__}, not FOCALHead'
        )
    if _slides(segmentor) and not isinstance(segmentor, FOCALEncoderDecoder):
        raise ValueError(f'the member {config} cannot be used: {SLIDE_REFUSED}')
    return segmentor


def _pipeline_after_loading(cfg: Config, config: str) -> Compose:
    """A config's test pipeline for an image that is loaded already."""
    load, *prepare = cfg.get('test_pipeline') or [dict(type=None)]
    if _name(load) != 'LoadImageFromFile':
        raise ValueError(
            f'the member {config} needs a test_pipeline that begins with LoadImageFromFile, got {load["type"]}'
        )
    own = {option: load[option] for option, usual in AS_LOADED.items() if load.get(option, usual) != usual}
    if own:
        raise ValueError(
            f'the member {config} loads its images in its own way, {own}, but a fusion loads an image once, by the '
            "fusion's test_pipeline: a network that was trained so cannot be a member"
        )
    prepare = [transform for transform in prepare if _name(transform) != 'LoadAnnotations']
    return Compose([{**load, 'type': 'LoadImageFromNDArray'}, *prepare])


def _name(transform: dict) -> str:
    """The type of a transform without its registry's scope."""
    return str(transform['type']).split('.')[-1]
