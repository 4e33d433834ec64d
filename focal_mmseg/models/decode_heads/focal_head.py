"""The FOCAL head: embeddings for training, clustering for testing, no classifier."""

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering.map_size import MAX_POINTS, valid_cells
from focal_mmseg.models.embedding_maps import downsample_mask
from focal_mmseg.models.losses import ContrastiveLoss
from focal_mmseg.utils import ConfigError

from .clustering_head import ClusteringHead
from .input_size import input_size

SLIDE_REFUSED = (
    "FOCALHead cannot test with mode='slide': each window would be clustered by itself, and the clusters of two "
    "windows have no common names. Use model.type='FOCALEncoderDecoder', which stitches the windows' embeddings, or "
    "model.test_cfg=dict(mode='whole') and a Resize in the test pipeline."
)


@MODELS.register_module()
class FOCALHead(ClusteringHead, BaseDecodeHead):
    """Brings backbone features to unit-length embeddings; a clusterer, not a classifier, reads them.

    The levels that are used go through a 1x1 convolution each, are brought to the resolution of the first and
    added: the same function as one convolution on their concatenation, without holding the concatenation.

    Args:
        in_channels (int | Sequence[int]): Channels of the feature map used, or of each one.
        channels (int, optional): Width C of the embeddings. None takes the one feature map as it is, without any
            parameter of the head's own. Defaults to 256.
        in_index (int | Sequence[int]): Which of the backbone's feature maps. Defaults to all of them for a sequence
            of ``in_channels``, else to the last.
        clusterer (dict): Config of a clusterer in TASK_UTILS. Defaults to ``dict(type='HDBSCANClusterer')``.
        gate (dict, optional): Config of a gate in TASK_UTILS, as ``dict(type='EvidenceGate', threshold=0.09)``, which
            decides by one threshold for all images what is forged. None leaves it to the clusters. Defaults to None.
        loss_decode (dict | Sequence[dict]): Config of the contrastive loss or losses. Defaults to
            ``dict(type='InfoNCEPlusPlusLoss')``.
        max_points (int): Most embeddings of an image that are clustered; a larger map is pooled by the smallest whole
            factor, see :func:`pool_embeddings`. Defaults to 65,536, a map of 256x256.
        keep_embeddings (bool): Whether the data samples of a :class:`FOCALEncoderDecoder` get the embeddings that were
            clustered. Defaults to False.
        ignore_index (int): Label of the pixels that reach no loss. Defaults to 255.
        align_corners (bool): Of every resizing. Defaults to False.

    Raises:
        ConfigError: If a loss is no :class:`ContrastiveLoss`.
        ValueError: If ``channels=None`` meets several feature maps, or ``channels`` or ``max_points`` is below 1.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        channels: int | None = 256,
        *,
        in_index: int | Sequence[int] | None = None,
        clusterer: ConfigType = dict(type='HDBSCANClusterer'),
        gate: ConfigType | None = None,
        loss_decode: ConfigType | Sequence[ConfigType] = dict(type='InfoNCEPlusPlusLoss'),
        max_points: int = MAX_POINTS,
        keep_embeddings: bool = False,
        ignore_index: int = 255,
        align_corners: bool = False,
        init_cfg: ConfigType | None = None,
    ) -> None:
        if channels is not None and channels < 1:
            raise ValueError(f'channels must be None or at least 1, got {channels}')
        several = not isinstance(in_channels, int)
        levels = [in_channels] if isinstance(in_channels, int) else list(in_channels)
        if several and channels is None:
            raise ValueError('channels=None takes one feature map as it is; with several in_channels give a width')
        if in_index is None:
            in_index = tuple(range(len(levels))) if several else -1
        super().__init__(
            in_channels,
            channels or in_channels,
            num_classes=2,
            out_channels=2,
            dropout_ratio=0,
            in_index=in_index,
            input_transform='multiple_select' if several else None,
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=init_cfg,
        )
        _require_contrastive(self.loss_decode)
        del self.conv_seg
        self.projections = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in levels) if channels else None
        self._set_clustering(clusterer, gate, max_points, keep_embeddings)

    def cls_seg(self, feat: Tensor) -> Tensor:
        """There is no classifier.

        Raises:
            TypeError: Always.
        """
        raise TypeError('FOCALHead has no classifier; its forward() gives the embeddings')

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Embed the image.

        Args:
            inputs (Sequence[Tensor]): The backbone's (or neck's) feature maps, each (N, C_i, h_i, w_i).

        Returns:
            Tensor: Unit-length embeddings of shape (N, C, h, w), at the resolution of the first feature map used.
        """
        levels = self._transform_inputs(inputs)
        if self.projections is None:
            return F.normalize(levels, dim=1)
        if isinstance(levels, Tensor):
            levels = [levels]
        first, *others = [projection(level) for projection, level in zip(self.projections, levels, strict=True)]
        for other in others:
            first = first + F.interpolate(
                other, size=first.shape[2:], mode='bilinear', align_corners=self.align_corners
            )
        return F.normalize(first, dim=1)

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Compare the embeddings with the masks, image by image (eq. 3).

        Args:
            seg_logits (Tensor): Embeddings of shape (N, C, h, w), from :meth:`forward`.
            batch_data_samples (list[SegDataSample]): With ``gt_sem_seg`` of shape (1, H, W).

        Returns:
            dict[str, Tensor]: A scalar for each loss name.
        """
        masks = self._stack_batch_gt(batch_data_samples).squeeze(1)
        target = downsample_mask(masks, seg_logits.shape[2:], self.ignore_index)
        several = isinstance(self.loss_decode, nn.ModuleList)
        losses: dict[str, Tensor] = {}
        for loss in self.loss_decode if several else [self.loss_decode]:
            value = loss(seg_logits, target, ignore_index=self.ignore_index)
            losses[loss.loss_name] = losses.get(loss.loss_name, 0) + value
        return losses

    def predict(self, inputs: Sequence[Tensor], batch_img_metas: list[dict], test_cfg: ConfigType) -> Tensor:
        """See :meth:`predict_by_feat`.

        Raises:
            ValueError: If ``test_cfg.mode`` is ``'slide'``.
        """
        if test_cfg is not None and test_cfg.get('mode', 'whole') == 'slide':
            raise ValueError(SLIDE_REFUSED)
        return super().predict(inputs, batch_img_metas, test_cfg)

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Cluster each image alone, without its padding.

        Args:
            seg_logits (Tensor): Embeddings of shape (N, C, h, w), from :meth:`forward`.
            batch_img_metas (list[dict]): One an image; ``img_padding_size`` or ``padding_size`` (left, right, top,
                bottom, in pixels of the network's input) names the padding.

        Returns:
            Tensor: float32 of shape (N, 2, H, W): the logarithms of the scores for pristine and forged, at the size
            of the network's input. Their softmax is the clusterer's (or the gate's) soft score, their argmax the mask.
        """
        localised = self.localise(self.remove_padding(seg_logits, batch_img_metas), batch_img_metas)
        return self.scores_to_logits([each.score for each in localised], seg_logits.shape[2:], batch_img_metas)

    def remove_padding(self, embeddings: Tensor, batch_img_metas: list[dict]) -> list[Tensor]:
        """The part of each map that shows the image.

        Args:
            embeddings (Tensor): Of shape (N, C, h, w).
            batch_img_metas (list[dict]): See :meth:`predict_by_feat`.

        Returns:
            list[Tensor]: Views of shape (C, h_i, w_i).
        """
        windows = self._windows(embeddings.shape[2:], batch_img_metas)
        return [each[:, rows, columns] for each, (rows, columns) in zip(embeddings, windows, strict=True)]

    def scores_to_logits(self, scores: Sequence[Tensor], cells: Sequence[int], batch_img_metas: list[dict]) -> Tensor:
        """Bring forged scores of the parts that :meth:`remove_padding` gave to the size of the network's input.

        Args:
            scores (Sequence[Tensor]): float32 in [0, 1] of shape (h_i, w_i), one an image.
            cells (Sequence[int]): h and w of the maps with their padding, which continues the score at the border.
            batch_img_metas (list[dict]): See :meth:`predict_by_feat`.

        Returns:
            Tensor: See :meth:`predict_by_feat`.
        """
        maps = []
        for score, (rows, columns) in zip(scores, self._windows(cells, batch_img_metas), strict=True):
            margins = (columns.start, cells[1] - columns.stop, rows.start, cells[0] - rows.stop)
            maps.append(F.pad(score[None, None], margins, mode='replicate'))
        score = torch.cat(maps).clamp(1e-4, 1 - 1e-4)
        log_scores = torch.cat([(1 - score).log(), score.log()], dim=1)
        return super().predict_by_feat(log_scores, batch_img_metas)

    def _windows(self, cells: Sequence[int], batch_img_metas: list[dict]) -> list[tuple[slice, slice]]:
        """Rows and columns of the maps that show the images."""
        height, width = input_size(batch_img_metas[0])
        windows = []
        for meta in batch_img_metas:
            left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
            windows.append((valid_cells(cells[0], height, top, bottom), valid_cells(cells[1], width, left, right)))
        return windows


def _require_contrastive(losses: nn.Module) -> None:
    """Refuse losses of class scores, which would take the channels of the embeddings for classes."""
    for loss in losses if isinstance(losses, nn.ModuleList) else [losses]:
        if not isinstance(loss, ContrastiveLoss):
            raise ConfigError(
                f'model.decode_head.loss_decode: {type(loss).__name__} is no contrastive loss, and a FOCALHead has no '
                'class scores for another. Choose one of docs/guide/losses.md (a loss of your own is a subclass of '
                'ContrastiveLoss), or give the other loss a classifier beside it: model.auxiliary_head='
                "dict(type='FCNHead', ..., loss_decode=...)"
            )
