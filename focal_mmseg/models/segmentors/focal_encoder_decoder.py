"""The encoder-decoder of FOCAL: image scores, and a sliding window that stitches embeddings."""

from typing import Any, ClassVar

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from focal_mmseg.clustering.stitching import fitting_window, stitch_embeddings
from focal_mmseg.models.decode_heads.focal_head import FOCALHead

from .clustering_fields import write_clustering

# The dimension of (N, C, H, W) that each kind turns round.
MIRRORS = dict(vertical=2, horizontal=3)


@MODELS.register_module()
class FOCALEncoderDecoder(EncoderDecoder):
    """mmseg's ``EncoderDecoder``; data samples also get what clustering found, and ``slide`` clusters an image once.

    :mod:`.clustering_fields` lists the fields of the data samples.

    In ``test_cfg.mode='slide'`` the plain one would cluster each window by itself, and clusters of two windows have no
    common names. This one stitches the windows' embeddings to one map, then clusters it. A map of more than the head's
    ``max_points`` is made coarser while it is stitch_embeddings, see :class:`StitchedMap`.

    ``test_cfg`` in every mode:

    - ``mirrors`` (Sequence[str], optional): Mirror images that are embedded too: ``'horizontal'`` changes left and
      right, ``'vertical'`` top and bottom. Their embeddings stand beside those of the image, as a fusion concatenates
      those of several networks (eq. 4), and are as many times wider. A backbone may say by a method
      ``mirror(images, dims)`` how its input is mirrored.

    ``test_cfg`` for ``mode='slide'``:

    - ``crop_size`` (tuple[int, int]): Height and width of a window, in pixels of the network's input.
    - ``stride`` (tuple[int, int]): Most from window to window, at most ``crop_size``. Windows are spread evenly.
    - ``size_divisor`` (int, optional): Windows are made smaller than ``crop_size`` where as many smaller ones, whose
      sides are multiples of it, cover the image with the same overlap; see :func:`fitting_window`. None, the default,
      keeps whole windows and fills small images up to one, for backbones of one input size.

    Args:
        *args: Of mmseg's ``EncoderDecoder``.
        **kwargs: The same.

    Raises:
        ValueError: If the head is no :class:`FOCALHead`, or ``crop_size`` or ``stride`` is missing or out of its range,
            or ``mirrors`` has another name.

    Attributes:
        writes_clustering (bool): True: what reads the fields of clustering can rely on them.
    """

    writes_clustering: ClassVar[bool] = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(self.decode_head, FOCALHead):
            raise ValueError(
                'FOCALEncoderDecoder needs a decode_head that is a FOCALHead, whose embeddings it clusters, got '
                f"{type(self.decode_head).__name__}: use model.type='EncoderDecoder' for a classifier"
            )
        if self.test_cfg is not None and self.test_cfg.get('mode') == 'slide':
            self._slide_options()
        self._mirrors()

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict masks and scores as mmseg does, and the fields of :mod:`.clustering_fields`.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            data_samples (list[SegDataSample], optional): One an image.

        Returns:
            list[SegDataSample]: One an image.

        Raises:
            ValueError: If an image cannot be clustered, or ``test_cfg`` is out of its range.
        """
        size = inputs.shape[2:]
        whole = dict(ori_shape=size, img_shape=size, pad_shape=size)
        metas = [whole] * len(inputs) if data_samples is None else [sample.metainfo for sample in data_samples]
        embeddings, metas = self.embed(inputs, metas)
        localised = self.decode_head.localise(self.decode_head.remove_padding(embeddings, metas), metas)
        scores = [each.score for each in localised]
        logits = self.decode_head.scores_to_logits(scores, embeddings.shape[2:], metas)
        samples = self.postprocess_result(logits[:, :, : size[0], : size[1]], data_samples)
        return write_clustering(samples, [[each] for each in localised], self.decode_head.keep_embeddings)

    def embed(self, inputs: Tensor, batch_img_metas: list[dict]) -> tuple[Tensor, list[dict]]:
        """The embeddings of each image, as ``test_cfg.mode`` says.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            batch_img_metas (list[dict]): One an image.

        Returns:
            tuple[Tensor, list[dict]]: The maps, of shape (N, C, h, w), and the images' metas for them.

        Raises:
            ValueError: If there is no such mode, or see :meth:`slide_inference`.
        """
        mode = (self.test_cfg or {}).get('mode', 'whole')
        if mode == 'slide':
            return self.slide_embeddings(inputs, batch_img_metas)
        if mode != 'whole':
            raise ValueError(f"model.test_cfg.mode must be 'whole' or 'slide', got {mode!r}")
        return self._forward(inputs), batch_img_metas

    def slide_inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Stitch the embeddings of each image, cluster each map once.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            batch_img_metas (list[dict]): One an image.

        Returns:
            Tensor: float32 of shape (N, 2, H, W), see :meth:`FOCALHead.predict_by_feat`.

        Raises:
            ValueError: If ``crop_size`` or ``stride`` is missing or out of its range.
        """
        maps, metas = self.slide_embeddings(inputs, batch_img_metas)
        logits = self.decode_head.predict_by_feat(maps, metas)
        return logits[:, :, : inputs.shape[2], : inputs.shape[3]]

    def slide_embeddings(self, inputs: Tensor, batch_img_metas: list[dict]) -> tuple[Tensor, list[dict]]:
        """Stitch the embeddings of each image.

        Args:
            inputs (Tensor): Of shape (N, 3, H, W).
            batch_img_metas (list[dict]): One an image.

        Returns:
            tuple[Tensor, list[dict]]: The maps, of shape (N, C, h, w), and the images' metas for them: where a map
            covers more than its image, that is padding.

        Raises:
            ValueError: See :meth:`slide_inference`.
        """
        window, stride = self._slide_options()
        window = fitting_window(inputs.shape[2:], window, stride, self.test_cfg.get('size_divisor'))
        maps = []
        for image in inputs:
            embeddings, cell = stitch_embeddings(self._forward, image, window, stride, self.decode_head.max_points)
            maps.append(embeddings)
        covered = tuple(cell * cells for cells in maps[0].shape[1:])
        return torch.stack(maps), [_beyond(meta, covered, inputs.shape[2:]) for meta in batch_img_metas]

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        """What ``mode='tensor'`` gives: embeddings of images or windows, and beside them those of their mirror images.

        Raises:
            ValueError: If the images are no whole number of embeddings wide and high, so that mirrored ones would lie
                elsewhere.
        """
        embeddings = self.decode_head(self.extract_feat(inputs))
        views = [embeddings]
        for dim in self._mirrors():
            if inputs.shape[dim] % embeddings.shape[dim]:
                raise ValueError(
                    f'model.test_cfg.mirrors needs whole cells: {tuple(inputs.shape[2:])} pixels have embeddings of '
                    f'{tuple(embeddings.shape[2:])}; bring the Resize of the test pipeline or '
                    'model.test_cfg.size_divisor to a multiple of the cells, or leave mirrors out'
                )
            mirror = getattr(self.backbone, 'mirror', torch.flip)
            views.append(self.decode_head(self.extract_feat(mirror(inputs, (dim,)))).flip(dim))
        return F.normalize(torch.cat(views, dim=1), dim=1) if len(views) > 1 else embeddings

    def _mirrors(self) -> list[int]:
        """The dimension of each of ``mirrors``."""
        names = (self.test_cfg or {}).get('mirrors') or ()
        if isinstance(names, str) or any(name not in MIRRORS for name in names) or len(set(names)) < len(names):
            raise ValueError(f'model.test_cfg.mirrors must be a list out of {", ".join(MIRRORS)}, got {names!r}')
        return [MIRRORS[name] for name in names]

    def _slide_options(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """``crop_size`` and ``stride``."""
        if 'max_points' in self.test_cfg:
            raise ValueError('model.test_cfg.max_points is an option of the head: set model.decode_head.max_points')
        window, stride = (_pixels(self.test_cfg, option) for option in ('crop_size', 'stride'))
        if stride[0] > window[0] or stride[1] > window[1]:
            raise ValueError(
                f'model.test_cfg.stride must be at most model.test_cfg.crop_size, got {stride} and {window}: windows '
                'would leave gaps'
            )
        divisor = self.test_cfg.get('size_divisor')
        if divisor is not None and not (isinstance(divisor, int) and divisor >= 1):
            raise ValueError(
                f'model.test_cfg.size_divisor must be None or a whole number of at least 1, got {divisor!r}'
            )
        return window, stride


def _pixels(test_cfg: dict, option: str) -> tuple[int, int]:
    """An option that is a height and a width."""
    value = test_cfg.get(option)
    sides = value if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 1 for side in sides):
        raise ValueError(
            f"model.test_cfg.mode='slide' needs {option}=(height, width), whole numbers of pixels of at least 1, got "
            f'{value!r}'
        )
    return sides[0], sides[1]


def _beyond(meta: dict, covered: tuple[int, ...], size: tuple[int, ...]) -> dict:
    """An image's meta for a map that covers more than the image: what lies beyond it is padding."""
    left, right, top, bottom = meta.get('img_padding_size', meta.get('padding_size', (0, 0, 0, 0)))
    bottom, right = bottom + covered[0] - size[0], right + covered[1] - size[1]
    return {**meta, 'img_shape': torch.Size(covered), 'img_padding_size': (left, right, top, bottom)}
