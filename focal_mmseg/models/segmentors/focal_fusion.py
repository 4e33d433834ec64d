"""Several trained FOCAL networks as one segmentor, without retraining."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, cast

import torch
from mmengine.dist import is_distributed
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, OptSampleList, SampleList
from torch import Tensor, nn

from focal_mmseg.models.decode_heads.fusion_head import fuse
from focal_mmseg.models.embedding_maps import LocalisedMap

from .as_loaded import AsLoadedSegmentor
from .clustering_fields import write_clustering
from .fusion_member import FusionMember, MemberMap

MODES = ('features', 'union', 'intersection')
RESOLUTIONS = ('largest', 'first')
INTERPOLATIONS = ('bilinear', 'nearest')


@MODELS.register_module()
class FOCALFusion(AsLoadedSegmentor):
    """Runs FOCAL networks that were trained apart and joins what they find (section 3.3, figures 5 and 7).

    Its input is the image as it was loaded. Each member takes it through its own test pipeline and data preprocessor,
    so that members may differ in input size and normalisation.

    Args:
        members (Sequence[dict]): At least two, each with ``config`` (a file), ``checkpoint`` (its weights) and
            optionally ``weight``, see :class:`FusionMember`. In mode ``'features'`` the weight says how much a member
            counts, and a member of weight 0 is left out; the other modes have no weights.
        decode_head (dict): Config of a :class:`FOCALFusionHead`, which has the one clusterer.
        mode (str): ``'features'`` concatenates the members' embeddings and clusters once (eq. 4). ``'union'`` and
            ``'intersection'`` cluster each member's embeddings and take, pixel by pixel, the result of the member
            with the highest or lowest forged score. Defaults to ``'features'``.
        resolution (str): Of the fused map: that of the member's map with the most points (``'largest'``, the first of
            those), or of the first member's (``'first'``, as the released code). Defaults to ``'largest'``.
        interpolation (str): How the other maps get there: ``'bilinear'``, or ``'nearest'`` as the released code.
            Defaults to ``'bilinear'``.
        sequential (bool): Whether members are on the accelerator one after the other, and rest on the CPU. Defaults to
            False: all are there all the time.
        train_cfg (None): mmseg's ``init_model`` sets it, and ``pretrained``; there is nothing to train.
        pretrained (None): See ``train_cfg``.

    Raises:
        FileNotFoundError: If a member's config or checkpoint is missing.
        ValueError: If there are fewer than two members, the mode, resolution or interpolation is unknown, weights are
            all 0 or have no meaning, a member cannot be used, or ``sequential`` meets a distributed run.

    Attributes:
        writes_clustering (bool): True: what reads the fields of clustering can rely on them.
    """

    writes_clustering: ClassVar[bool] = True

    not_trained: ClassVar[str] = 'train each member by its own config'

    def __init__(
        self,
        members: Sequence[ConfigType],
        decode_head: ConfigType = dict(type='FOCALFusionHead'),
        mode: str = 'features',
        resolution: str = 'largest',
        interpolation: str = 'bilinear',
        sequential: bool = False,
        train_cfg: None = None,
        pretrained: None = None,
    ) -> None:
        super().__init__()
        for option, value, known in (
            ('mode', mode, MODES),
            ('resolution', resolution, RESOLUTIONS),
            ('interpolation', interpolation, INTERPOLATIONS),
        ):
            if value not in known:
                raise ValueError(f'{option} must be one of {known}, got {value!r}')
        if len(members) < 2:
            raise ValueError(f'a fusion needs at least two members, got {len(members)}')
        if sequential and is_distributed():
            raise ValueError('sequential=True keeps networks off the accelerator, which a distributed run cannot do')
        self.mode = mode
        self.resolution = resolution
        self.interpolation = interpolation
        self.decode_head = MODELS.build(decode_head)
        self.align_corners = self.decode_head.align_corners
        self.members = nn.ModuleList(FusionMember(**member, resident=not sequential) for member in members)
        weights = [member.weight for member in self.members]
        if not any(weights):
            raise ValueError('at least one member needs a weight above 0')
        if mode != 'features' and set(weights) != {1.0}:
            raise ValueError(f"weights have no meaning in mode {mode!r}, got {weights}: use mode='features'")

    def predict(self, inputs: Sequence[Tensor], data_samples: OptSampleList = None) -> SampleList:
        """Masks, scores, and the fields of :mod:`.clustering_fields`.

        Args:
            inputs (Sequence[Tensor]): See :meth:`extract_feat`.
            data_samples (list[SegDataSample], optional): One an image.

        Returns:
            list[SegDataSample]: One an image.

        Raises:
            ValueError: If an image cannot be clustered.
        """
        logits, localised = self._localise(inputs, self.metas(inputs, data_samples))
        return write_clustering(self.pack(logits, data_samples), localised, self.decode_head.keep_embeddings)

    def extract_feat(self, inputs: Sequence[Tensor]) -> list[list[MemberMap]]:
        """Embed images of any sizes by each member that has a weight.

        Args:
            inputs (Sequence[Tensor]): uint8 of shape (3, H_i, W_i), BGR, as loaded.

        Returns:
            list[list[MemberMap]]: An outer item a member, an inner one an image.
        """
        return [member.embed(inputs, self.data_preprocessor.device) for member in self._used()]

    def encode_decode(self, inputs: Sequence[Tensor], batch_img_metas: list[dict]) -> list[Tensor]:
        """Embed, fuse or not, cluster, join.

        Args:
            inputs (Sequence[Tensor]): See :meth:`extract_feat`.
            batch_img_metas (list[dict]): One an image; ``img_path`` names it in an error.

        Returns:
            list[Tensor]: One an image, of its size: float32 of shape (2, H_i, W_i), the logarithms of the scores for
            pristine and forged.

        Raises:
            ValueError: If an image cannot be clustered.
        """
        return self._localise(inputs, batch_img_metas)[0]

    def _localise(
        self, inputs: Sequence[Tensor], batch_img_metas: list[dict]
    ) -> tuple[list[Tensor], list[tuple[LocalisedMap, ...]]]:
        """The logits of each image, and what was found in its maps: one, or one a member."""
        maps = self.extract_feat(inputs)
        if self.mode == 'features':
            maps = [self._fused(maps)]
        device = self.data_preprocessor.device
        embeddings = [[each.embeddings.to(device) for each in images] for images in maps]
        localised = [self.decode_head.localise(images, batch_img_metas) for images in embeddings]
        logits = [
            [each.logits(found.score) for each, found in zip(*results, strict=True)]
            for results in zip(maps, localised, strict=True)
        ]
        return [_joined(image, self.mode) for image in zip(*logits, strict=True)], list(zip(*localised, strict=True))

    def _forward(self, inputs: Sequence[Tensor], data_samples: OptSampleList = None) -> list[Tensor]:
        """The fused embeddings of each image, float32 of shape (C, h, w)."""
        return [each.embeddings for each in self._fused(self.extract_feat(inputs))]

    def _used(self) -> list[FusionMember]:
        """The members that count."""
        return [member for member in cast(Iterable[FusionMember], self.members) if member.weight]

    def _fused(self, maps: Sequence[Sequence[MemberMap]]) -> list[MemberMap]:
        """One map an image, which is treated as that of the member whose resolution it has from here on."""
        weights = [member.weight for member in self._used()]
        fused = []
        for image in zip(*maps, strict=True):
            embeddings = [each.embeddings.to(self.data_preprocessor.device) for each in image]
            leads = image[0]
            if self.resolution == 'largest':
                leads = max(image, key=lambda each: each.embeddings[0].numel())
            size = leads.embeddings.shape[1:]
            fused.append(replace(leads, embeddings=fuse(embeddings, weights, size, self.interpolation)))
        return fused


def _joined(logits: Sequence[Tensor], mode: str) -> Tensor:
    """Pixel by pixel, the result of the member that is surest of a forgery (union) or of its absence (intersection).

    Args:
        logits (Sequence[Tensor]): float32 of shape (2, H, W), one a member.
        mode (str): One of ``MODES``; ``'features'`` has one result.

    Returns:
        Tensor: float32 of shape (2, H, W).
    """
    if mode == 'features':
        return logits[0]
    members = torch.stack(list(logits))
    margin = members[:, 1] - members[:, 0]
    chosen = margin.argmax(0) if mode == 'union' else margin.argmin(0)
    return members.gather(0, chosen.expand(1, 2, -1, -1))[0]
