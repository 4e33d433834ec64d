"""An encoder-decoder whose auxiliary head finds edges."""

from collections.abc import Sequence
from typing import Any

from mmengine.structures import PixelData
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor

from .native_size import NativeSizeEncoderDecoder


@MODELS.register_module()
class EdgeEncoderDecoder(NativeSizeEncoderDecoder):
    """:class:`NativeSizeEncoderDecoder`; each image of a test also gets the edge map of its auxiliary head.

    It has no part in the mask.

    Attributes:
        auxiliary_head_tests (bool): True: a checkpoint is loaded with the weights of that head, for tests too.
    """

    auxiliary_head_tests = True

    @property
    def has_extra_outputs(self) -> bool:
        """See :class:`NativeSizeEncoderDecoder`."""
        return super().has_extra_outputs or self.with_auxiliary_head

    def decode(self, features: Sequence[Tensor], metas: list[dict]) -> tuple[Tensor, dict[str, Any]]:
        """See :class:`NativeSizeEncoderDecoder`; ``edge`` is float32 (1, H, W) in [0, 1], of the image's own size."""
        logits, fields = super().decode(features, metas)
        if self.with_auxiliary_head:
            edges = self.auxiliary_head(features).softmax(1)[:, 1:]
            edges = resize(edges, metas[0]['ori_shape'][:2], mode='bilinear', align_corners=False)[0]
            if metas[0].get('flip'):
                edges = edges.flip(-1 if metas[0]['flip_direction'] == 'horizontal' else -2)
            fields = fields | dict(edge=PixelData(data=edges))
        return logits, fields
