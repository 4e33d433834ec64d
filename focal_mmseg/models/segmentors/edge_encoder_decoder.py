"""An encoder-decoder whose auxiliary head finds edges."""

from collections.abc import Sequence

from mmengine.structures import PixelData
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
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

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """See mmseg's."""
        features = self.extract_feat(inputs)
        self._last_edges = self.auxiliary_head(features).softmax(1)[:, 1:] if self.with_auxiliary_head else None
        return self.decode_head.predict(features, batch_img_metas, self.test_cfg)

    def predict(self, inputs: Tensor | Sequence[Tensor], data_samples: OptSampleList = None) -> SampleList:
        """See :class:`NativeSizeEncoderDecoder`.

        Returns:
            list[SegDataSample]: Also with ``edge`` (1, H, W), float32 in [0, 1].
        """
        found = []
        for number, image in enumerate(inputs.split(1) if isinstance(inputs, Tensor) else inputs):
            (sample,) = super().predict([image], None if data_samples is None else [data_samples[number]])
            if self._last_edges is not None:
                edges = resize(self._last_edges, sample.pred_sem_seg.shape, mode='bilinear', align_corners=False)[0]
                if sample.metainfo.get('flip'):
                    edges = edges.flip(-1 if sample.metainfo['flip_direction'] == 'horizontal' else -2)
                sample.set_data(dict(edge=PixelData(data=edges)))
            found.append(sample)
        return found
