"""PSCC-Net's head: four masks, each finer one guided by the coarser."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.models.log_scores import log_scores, logit_to_log_scores

# How many pixels a side are taken together by the attention, finest scale first.
GATHERED = (4, 2, 2, 1)
HIDDEN = 16
PADDING_REFUSED = (
    'PSCCHead takes images without padding: every image is squashed to a square, and its padding would be squashed '
    'with it. Use model.data_preprocessor.type=NativeSizePreProcessor, without test_cfg'
)
ONE_BY_ONE = (
    "PSCCHead gives each image its mask at the image's own size, so that it takes one at a time in a test: use "
    "model.type='NativeSizeEncoderDecoder' with model.data_preprocessor.type='NativeSizePreProcessor'"
)
SLIDE_REFUSED = (
    "PSCCHead cannot test with mode='slide': every window would be squashed to a square by itself, which is another "
    "function than the released one. Use model.test_cfg=dict(mode='whole'); LimitPixels in the test pipeline keeps "
    'large images within memory'
)


class PSCCFindings(NamedTuple):
    """What :class:`PSCCHead` gives.

    Attributes:
        masks (list[Tensor]): Logits of the forged score, of shape (N, 1, s, s) for s = side, side/2, side/4, side/8.
        image (Tensor | None): Logits of shape (N, 2) of the image as a whole, pristine and forged.
    """

    masks: list[Tensor]
    image: Tensor | None


class SpatialChannelMask(BaseModule):
    """PSCC-Net's SCCM: attention among places and among channels, then a mask.

    Its parts have the names of the released file.

    Args:
        channels (int): c of the map.
        gathered (int): r; the map is read as c r^2 channels of h/r x w/r places, in plain memory order.

    Source:
        PSCC-Net: Liu et al., TCSVT 2022.
    """

    def __init__(self, channels: int, gathered: int) -> None:
        super().__init__()
        width = channels * gathered**2
        self.width = width
        self.g, self.theta, self.phi = (nn.Conv2d(width, width, 1) for _ in range(3))
        self.W_s, self.W_c = (nn.Conv2d(channels, channels, 1) for _ in range(2))
        self.gamma_s, self.gamma_c = (nn.Parameter(torch.ones(1)) for _ in range(2))
        self.getmask = nn.Sequential(
            nn.Conv2d(channels, HIDDEN, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(HIDDEN, 1, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Find the mask of a map.

        Args:
            x (Tensor): Of shape (N, c, h, w), h and w multiples of r.

        Returns:
            Tensor: Logits of shape (N, 1, h, w).
        """
        # The scores are not scaled, so that half precision would overflow.
        with _full_precision(x.device.type):
            x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
            places, channels = self._attended(x)
            x = x + self.gamma_s * self.W_s(places) + self.gamma_c * self.W_c(channels)
            return self.getmask(x)

    def _attended(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The two attended maps, of the shape of x."""
        batch, _, height, width = x.shape
        view = x.reshape(batch, self.width, -1, 1)  # A 1x1 convolution does not ask for rows and columns.
        # (N, width, places)
        g, theta, phi = (layer(view).squeeze(3) for layer in (self.g, self.theta, self.phi))
        places = F.scaled_dot_product_attention(theta.mT, phi.mT, g.mT, scale=1.0).mT
        # Not transposed back, as it is for the places: the released weights were trained so.
        channels = g.mT @ (theta @ phi.mT).softmax(-1)
        shape = (batch, -1, height, width)
        return places.reshape(shape), channels.reshape(shape)


@MODELS.register_module()
class PSCCHead(BaseDecodeHead):
    """Squashes four maps to squares, and finds masks from the coarsest to the finest, each guiding the next.

    Args:
        in_channels (Sequence[int]): Of the backbone's four maps, finest first.
        side (int): Of the finest square, a multiple of 8; the others have a half, a quarter and an eighth. Defaults to
            256, for which the released weights were trained.
        image_head (dict, optional): Config of the detector, see :class:`PSCCImageHead`; None goes without. Defaults to
            ``dict(type='PSCCImageHead')``.
        loss_decode (dict): Config of the loss of each mask. Defaults to ``dict(type='BalancedBCELoss')``.
        loss_image (dict, optional): Config of the detector's loss. None trains no detector, for sets that have no
            pristine image. Defaults to mmseg's cross-entropy with the released weights of the classes: one over .25
            and .75, the shares of pristine and forged images.
        ignore_index (int): Label of the pixels that reach no loss. Defaults to 255.
        init_cfg (dict, optional): As everywhere.

    Raises:
        ValueError: If ``in_channels`` are not four, ``side`` is no multiple of 8, or there is an image loss without an
            image head.

    Source:
        PSCC-Net: Liu et al., TCSVT 2022.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        *,
        side: int = 256,
        image_head: ConfigType | None = dict(type='PSCCImageHead'),
        loss_decode: ConfigType = dict(type='BalancedBCELoss'),
        loss_image: ConfigType | None = dict(
            type='CrossEntropyLoss', class_weight=[1 / 0.25, 1 / 0.75], avg_non_ignore=True, loss_name='loss_image'
        ),
        ignore_index: int = 255,
        init_cfg: ConfigType | None = None,
    ) -> None:
        if len(in_channels) != len(GATHERED):
            raise ValueError(f'PSCCHead takes {len(GATHERED)} maps, finest first, got in_channels={in_channels}')
        if side < 8 or side % 8:
            raise ValueError(f'side must be a multiple of 8, got {side}')
        if loss_image is not None and image_head is None:
            raise ValueError('loss_image needs an image_head: set loss_image=None')
        super().__init__(
            in_channels,
            HIDDEN,
            num_classes=2,
            out_channels=2,
            dropout_ratio=0,
            in_index=tuple(range(len(GATHERED))),
            input_transform='multiple_select',
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            align_corners=True,
            init_cfg=init_cfg,
        )
        del self.conv_seg
        self.sides = tuple(side >> scale for scale in range(len(GATHERED)))
        for number, (width, gathered) in enumerate(zip(in_channels, GATHERED, strict=True), start=1):
            self.add_module(f'getmask{number}', SpatialChannelMask(width, gathered))
        self.image_head = None if image_head is None else MODELS.build({'in_channels': in_channels, **image_head})
        self.loss_image = None if loss_image is None else MODELS.build(loss_image)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The finest mask, before it is brought to the images' sizes.

        Args:
            inputs (Sequence[Tensor]): The backbone's maps, each (N, C_i, h_i, w_i).

        Returns:
            Tensor: Of shape (N, 2, side, side): the logarithms of the scores for pristine and forged.
        """
        return logit_to_log_scores(self.findings(inputs).masks[0])

    def findings(self, inputs: Sequence[Tensor]) -> PSCCFindings:
        """All masks, and the detector's word.

        Args:
            inputs (Sequence[Tensor]): See :meth:`forward`.

        Returns:
            PSCCFindings: Masks of sides 256, 128, 64 and 32 by default.
        """
        levels = self._transform_inputs(inputs)
        maps = [self._resized(each, side) for each, side in zip(levels, self.sides, strict=True)]
        masks: list[Tensor] = []
        for scale in reversed(range(len(maps))):
            guided = maps[scale]
            if masks:
                guided = guided * self._resized(masks[0].sigmoid(), self.sides[scale])
            masks.insert(0, getattr(self, f'getmask{scale + 1}')(guided))
        return PSCCFindings(masks, None if self.image_head is None else self.image_head(maps))

    def loss(
        self, inputs: Sequence[Tensor], batch_data_samples: SampleList, train_cfg: ConfigType
    ) -> dict[str, Tensor]:
        """See :meth:`loss_by_feat`."""
        return self.loss_by_feat(self.findings(inputs), batch_data_samples)

    def loss_by_feat(self, seg_logits: PSCCFindings, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Compare each mask with the truth at its scale, and the detector with whether any pixel is forged.

        Args:
            seg_logits (PSCCFindings): From :meth:`findings`.
            batch_data_samples (list[SegDataSample]): With ``gt_sem_seg`` of shape (1, H, W).

        Returns:
            dict[str, Tensor]: The sum over the masks by the loss's name, and the detector's loss.
        """
        truth = self._stack_batch_gt(batch_data_samples)
        name = self.loss_decode.loss_name
        losses: dict[str, Any] = {name: 0}
        for logits in seg_logits.masks:
            target = mask_at_scale(truth, logits.shape[-1], self.ignore_index)
            losses[name] = losses[name] + self.loss_decode(logits[:, 0], target[:, 0], ignore_index=self.ignore_index)
        if self.loss_image is not None:
            is_forged = (truth == 1).flatten(1).any(1).long()
            losses[self.loss_image.loss_name] = self.loss_image(seg_logits.image, is_forged)
        return losses

    def predict(self, inputs: Sequence[Tensor], batch_img_metas: list[dict], test_cfg: ConfigType) -> Tensor:
        """See :meth:`predict_by_feat`.

        Raises:
            ValueError: If ``test_cfg.mode`` is ``'slide'``.
        """
        return self.predict_with_image_score(inputs, batch_img_metas, test_cfg)[0]

    def predict_with_image_score(
        self, inputs: Sequence[Tensor], batch_img_metas: list[dict], test_cfg: ConfigType
    ) -> tuple[Tensor, float | None]:
        """What :meth:`predict` gives, and how sure the detector is that the image is forged, in [0, 1].

        Returns:
            tuple[Tensor, float | None]: See :meth:`predict_by_feat`; None without a detector.

        Raises:
            ValueError: If ``test_cfg.mode`` is ``'slide'``.
        """
        if test_cfg is not None and test_cfg.get('mode', 'whole') == 'slide':
            raise ValueError(SLIDE_REFUSED)
        findings = self.findings(inputs)
        logits = self.predict_by_feat(findings, batch_img_metas)
        return logits, None if findings.image is None else findings.image.softmax(1)[0, 1].item()

    def predict_by_feat(self, seg_logits: PSCCFindings, batch_img_metas: list[dict]) -> Tensor:
        """Bring the finest mask's probabilities, as the released code does, to the size of the image.

        Args:
            seg_logits (PSCCFindings): From :meth:`findings`.
            batch_img_metas (list[dict]): One, with ``ori_shape``.

        Returns:
            Tensor: Of shape (1, 2, H, W), the size of the image's file: the logarithms of the scores for pristine and
            forged.

        Raises:
            ValueError: If the image is padded, or there are several.
        """
        if len(batch_img_metas) > 1:
            raise ValueError(ONE_BY_ONE)
        (meta,) = batch_img_metas
        if any(any(meta.get(key, ())) for key in ('img_padding_size', 'padding_size')):
            raise ValueError(PADDING_REFUSED)
        score = seg_logits.masks[0].sigmoid()
        return log_scores(F.interpolate(score, tuple(meta['ori_shape'][:2]), mode='bilinear', align_corners=True))

    @staticmethod
    def _resized(x: Tensor, side: int) -> Tensor:
        return F.interpolate(x, (side, side), mode='bilinear', align_corners=True)


def _full_precision(device: str) -> AbstractContextManager:
    """No autocast; the meta device, which shapes are found on, knows none."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def mask_at_scale(masks: Tensor, side: int, ignore_index: int = 255) -> Tensor:
    """Bring masks to a square, by Pillow's bicubic filter cut at one half, as the released training does.

    Args:
        masks (Tensor): Integer of shape (N, 1, H, W): 0 pristine, 1 forged, ``ignore_index`` neither.
        side (int): Of the square.
        ignore_index (int): Defaults to 255. It stays where most of what is under a pixel has it.

    Returns:
        Tensor: int64 of shape (N, 1, side, side) with the same values.
    """
    if masks.shape[-2:] == (side, side):
        return masks.long()
    forged, ignored = (
        F.interpolate(plane.float(), (side, side), mode='bicubic', antialias=True) > 0.5
        for plane in (masks == 1, masks == ignore_index)
    )
    return forged.long().masked_fill(ignored, ignore_index)
