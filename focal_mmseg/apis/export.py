"""A FOCAL network as an ONNX file, checked.

What is exported is the embedding network: normalisation, backbone, neck and the head's projection up to unit-length
embeddings, of one image at a time. What stays outside, and why:

- the test pipeline, the loader of JPEG coefficients with it: files are no tensors.
  :class:`focal_mmseg.deploy.ONNXLocaliser` documents what it has to hand over;
- windows, clusterer, gate and the way back to the image's size: :class:`focal_mmseg.deploy.ONNXLocaliser` does them;
- fusions, heads that are no :class:`FOCALHead` (the peers, classifiers) and test-time augmentation.
"""

import importlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from focal_mmseg import __version__
from focal_mmseg.deploy import KEY
from focal_mmseg.models import FOCALHead
from focal_mmseg.models.jpeg_data_preprocessor import BLOCK, CHANNELS, JPEGDataPreProcessor
from focal_mmseg.utils import ConfigError, atomic_write

from .inferencer import FOCALInferencer
from .traceable import make_traceable

OPSET = 17
TOLERANCE = 1e-4
# The example that is traced: sides that are no multiples of a network's strides, so that every padding is in the trace.
EXAMPLE = (104, 136)
CHECKED = ((104, 136), (128, 128), (96, 200), (264, 152))


@dataclass(frozen=True)
class Exported:
    """What :func:`export_onnx` wrote.

    Attributes:
        path (Path): The file.
        opset (int): Of ONNX.
        differences (dict): For each size that was checked, the largest difference of an embedding's entry.
    """

    path: Path
    opset: int
    differences: dict[tuple[int, int], float]


class EmbeddingNetwork(nn.Module):
    """From what the test pipeline gives to unit-length embeddings.

    Args:
        model (EncoderDecoder): With a :class:`FOCALHead`.

    Attributes:
        channels (int): Of its input.
    """

    channels: int
    mean: Tensor | None
    std: Tensor | None

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model: Any = model
        given = model.data_preprocessor
        self.channels = CHANNELS if isinstance(given, JPEGDataPreProcessor) else 3
        self.swap = getattr(given, 'channel_conversion', False)
        normalises = getattr(given, '_enable_normalize', False)
        self.register_buffer('mean', given.mean.clone()[None] if normalises else None, persistent=False)
        self.register_buffer('std', given.std.clone()[None] if normalises else None, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Embed images.

        Args:
            image (Tensor): float32 of shape (N, C, H, W), see :class:`focal_mmseg.deploy.ONNXLocaliser`.

        Returns:
            Tensor: float32 of shape (N, C', h, w), unit length.
        """
        if self.swap:
            image = image.flip(1)
        if self.mean is not None and self.std is not None:
            image = (image - self.mean) / self.std
        return self.model(image, mode='tensor')


def export_onnx(focal: FOCALInferencer, out: str | Path, size: Sequence[int] | None = None) -> Exported:
    """Write the embedding network, and check the file with onnxruntime before it gets its name.

    Args:
        focal (FOCALInferencer): The model.
        out (str | Path): File to write, ``*.onnx``.
        size (Sequence[int], optional): The one height and width of the file's input. None, the default, leaves both
            open, which networks of one input size cannot have.

    Returns:
        Exported: With the differences that were found, all at most ``TOLERANCE``.

    Raises:
        ConfigError: If the model cannot be exported.
        ImportError: If onnx or onnxruntime is not installed.
        ValueError: If the network cannot be traced, or the file gives other embeddings than the network.
    """
    _require_packages()
    _require_exportable(focal.model)
    network = make_traceable(EmbeddingNetwork(revert_sync_batchnorm(focal.model)))
    sizes = CHECKED if size is None else ((size[0], size[1]),)
    if network.channels == CHANNELS and any(side % BLOCK for each in sizes for side in each):
        raise ConfigError(f'an image of {CHANNELS} channels has sides that are multiples of {BLOCK}, got {sizes[0]}')
    with atomic_write(out) as part:
        _trace(network, part, size)
        _write_contract(part, _contract(focal, network, size))
        differences = _differences(part, EmbeddingNetwork(focal.model).cpu().eval(), sizes, size)
    return Exported(Path(out), OPSET, differences)


def _require_packages() -> None:
    for name in ('onnx', 'onnxruntime'):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ImportError(f"the export needs {name}: pip install 'focal_mmseg[export]' ({error})") from error


def _require_exportable(model: nn.Module) -> None:
    head = getattr(model, 'decode_head', None)
    if not isinstance(head, FOCALHead) or not hasattr(model, 'extract_feat'):
        raise ConfigError(
            f'{type(model).__name__} with {type(head).__name__} cannot be exported: only an encoder-decoder with a '
            'FOCALHead has embeddings of one network. Export the members of a fusion one by one'
        )


def _trace(network: EmbeddingNetwork, path: Path, size: Sequence[int] | None) -> None:
    dynamic = None if size else dict(image={2: 'height', 3: 'width'}, embeddings={2: 'rows', 3: 'columns'})
    try:
        with warnings.catch_warnings():
            # Of what a trace might get wrong at other sizes; the file is compared with the network at several.
            warnings.simplefilter('ignore')
            # By tracing, which needs no package but torch; the other way needs onnxscript.
            torch.onnx.export(
                network,
                (example(network.channels, size or EXAMPLE),),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=['image'],
                output_names=['embeddings'],
                dynamic_axes=dynamic,
            )
    except Exception as error:  # each operator that has no form in ONNX fails in its own way
        raise ValueError(f'the network cannot be written as ONNX: {" ".join(str(error).split())[:300]}') from error


def example(channels: int, size: Sequence[int], seed: int = 0) -> Tensor:
    """An input of noise, as the test pipeline could give it: float32 of shape (1, channels, *size)."""
    draw = torch.Generator().manual_seed(seed)
    if channels != CHANNELS:
        return torch.randint(0, 256, (1, channels, *size), generator=draw).float()
    colours = torch.rand(1, 3, *size, generator=draw) * 2 - 1
    coefficients = torch.randint(-9, 10, (1, 1, *size), generator=draw).float()
    steps = torch.randint(1, 60, (BLOCK, BLOCK), generator=draw).float().repeat(size[0] // BLOCK, size[1] // BLOCK)
    return torch.cat([colours, coefficients, steps[None, None]], dim=1)


def _contract(focal: FOCALInferencer, network: EmbeddingNetwork, size: Sequence[int] | None) -> dict[str, Any]:
    """What :class:`focal_mmseg.deploy.ONNXLocaliser` has to know."""

    def name(kind: str | type) -> str:
        return kind if isinstance(kind, str) else kind.__name__

    cfg, head = focal.model.cfg, focal.model.decode_head
    test_cfg = focal.model.test_cfg or {}
    model = cfg.model.decode_head
    contract = dict(
        channels=network.channels,
        input_size=None if size is None else list(size),
        test_cfg=dict(
            mode=test_cfg.get('mode', 'whole'),
            crop_size=test_cfg.get('crop_size'),
            stride=test_cfg.get('stride'),
            size_divisor=test_cfg.get('size_divisor'),
        ),
        max_points=head.max_points,
        clusterer=model.get('clusterer', dict(type=type(head.clusterer).__name__)),
        gate=model.get('gate'),
        test_pipeline=[name(each['type']) for each in cfg.test_pipeline],
        opset=OPSET,
        version=__version__,
    )
    return json.loads(json.dumps(contract))


def _write_contract(path: Path, contract: dict[str, Any]) -> None:
    import onnx

    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {KEY: json.dumps(contract)})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


@torch.no_grad()
def _differences(
    path: Path, network: EmbeddingNetwork, sizes: Sequence[tuple[int, int]], fixed: Sequence[int] | None
) -> dict[tuple[int, int], float]:
    """The largest difference of an embedding's entry at each size.

    Raises:
        ValueError: If one is above ``TOLERANCE``, or the file does not take that size.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    remedy = '' if fixed else '. Export it for the one size that its test pipeline gives: --size HEIGHT WIDTH'
    found = {}
    for number, size in enumerate(sizes):
        image = example(network.channels, size, seed=number + 1)
        wanted = network(image).numpy()
        try:
            given = session.run(None, {'image': image.numpy()})[0]
        except Exception as error:  # onnxruntime has an exception for each kind of mismatch
            raise ValueError(f'onnxruntime fails at {size[0]}x{size[1]}: {error}{remedy}') from error
        same = given.shape == wanted.shape
        found[size] = float(np.abs(given - wanted).max()) if same else float('inf')
        if not found[size] <= TOLERANCE:
            raise ValueError(
                f'at {size[0]}x{size[1]} the file gives other embeddings than the network, by {found[size]:.2g}, more '
                f'than {TOLERANCE:g}{remedy}'
            )
    return found
