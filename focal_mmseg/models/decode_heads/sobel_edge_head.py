"""The edge branch of MVSS-Net."""

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.log_scores import logit_to_log_scores

from .mvss_head import forged_image_losses

SOBEL = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))


@MODELS.register_module()
class SobelEdgeHead(BaseDecodeHead):
    """Finds the border of the forged region from four maps, fine to coarse.

    Each map is weighted by the strength of its own Sobel edges and comes to one channel; coarser ones are added one
    after the other at the size of the finest.

    Args:
        in_channels (Sequence[int]): Of the four maps, at 1/4, 1/8, 1/16 and 1/16 of the image.
        eps (float): Under the root of the edges' strength, which has an infinite gradient at 0; 0 is as released, a
            training wants more. Defaults to 0.
        loss_decode (dict): Of the forged images alone. Defaults to :class:`ForgeryDiceLoss`.
        ignore_index (int): Label of the points that do not count. Defaults to 255.

    Raises:
        ValueError: If there are other than four maps, or ``eps`` is negative.

    Source:
        Chen, Dong, Ji, Cao, Li, ICCV 2021.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        eps: float = 0.0,
        loss_decode: ConfigType = dict(type='ForgeryDiceLoss'),
        ignore_index: int = 255,
    ) -> None:
        if len(in_channels) != 4 or eps < 0:
            raise ValueError(f'four maps and an eps of at least 0 are wanted, got {len(in_channels)} and {eps}')
        super().__init__(
            in_channels,
            1,
            num_classes=2,
            out_channels=2,
            dropout_ratio=0,
            in_index=(0, 1, 2, 3),
            input_transform='multiple_select',
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            align_corners=True,
            init_cfg=None,
        )
        del self.conv_seg
        self.sobels = nn.ModuleList(SobelGate(eps) for _ in in_channels)
        self.levels = nn.ModuleList(EdgeResidualBlock(width) for width in in_channels)
        self.steps = nn.ModuleList(EdgeResidualBlock(1, last_relu=step < 2) for step in range(3))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Score each point as an edge.

        Args:
            inputs (Sequence[Tensor]): The backbone's maps; the first four are used.

        Returns:
            Tensor: Of shape (N, 2, h_0, w_0): 0 and the logit of the edge score.
        """
        maps = self._transform_inputs(inputs)
        first, *others = [level(sobel(each)) for level, sobel, each in zip(self.levels, self.sobels, maps, strict=True)]
        for step, other in zip(self.steps, others, strict=True):
            other = F.interpolate(other, size=first.shape[2:], mode='bilinear', align_corners=True)
            first = step(first + other)
        return logit_to_log_scores(first)

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """The loss of the forged images' edges.

        Args:
            seg_logits (Tensor): From :meth:`forward`.
            batch_data_samples (list[SegDataSample]): With ``gt_edge_map`` (1, H, W), which mmseg's ``GenerateEdge``
                makes, and ``gt_sem_seg``. A point is an edge if any of the pixels that it stands for is.

        Returns:
            dict[str, Tensor]: A scalar for each loss name.

        Raises:
            ValueError: If there is no ``gt_edge_map``.
        """
        if any('gt_edge_map' not in sample for sample in batch_data_samples):
            raise ValueError("SobelEdgeHead is trained on edges: add dict(type='GenerateEdge') to the train pipeline")
        edges = torch.stack([sample.gt_edge_map.data for sample in batch_data_samples])
        # Padding, which counts nowhere, must not be an edge.
        edges = edges.masked_fill(edges == self.ignore_index, 0)
        target = F.adaptive_max_pool2d(edges.float(), seg_logits.shape[2:]).long().squeeze(1)
        masks = self._stack_batch_gt(batch_data_samples)
        return forged_image_losses(self.loss_decode, seg_logits, target, masks, self.ignore_index)


class SobelGate(nn.Module):
    """Weights a map by the strength of its edges: the sigmoid of the length of its normalised Sobel gradient.

    Args:
        eps (float): See :class:`SobelEdgeHead`.
    """

    kernels: Tensor

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.norm_x, self.norm_y = nn.BatchNorm2d(1), nn.BatchNorm2d(1)
        self.register_buffer('kernels', torch.tensor([SOBEL, tuple(zip(*SOBEL, strict=True))])[:, None], False)

    def forward(self, features: Tensor) -> Tensor:
        """Of the same shape (N, C, h, w)."""
        # The same filter for every channel is the filter of their sum.
        gradient = F.conv2d(features.sum(1, keepdim=True), self.kernels, padding=1)
        x, y = self.norm_x(gradient[:, :1]), self.norm_y(gradient[:, 1:])
        return features * (x.square() + y.square() + self.eps).sqrt().sigmoid()


class EdgeResidualBlock(nn.Module):
    """A map to one channel, refined by a residual.

    Args:
        width (int): Channels of the map.
        last_relu (bool): Whether the result is held above 0. Defaults to True.
    """

    def __init__(self, width: int, last_relu: bool = True) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, 1, 1)
        self.refine = nn.Sequential(
            nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1), nn.ReLU(inplace=True), nn.Conv2d(1, 1, 3, padding=1)
        )
        self.last_relu = last_relu

    def forward(self, features: Tensor) -> Tensor:
        """Of shape (N, 1, h, w)."""
        reduced = self.reduce(features)
        result = reduced + self.refine(reduced)
        return result.relu() if self.last_relu else result
