"""The models that the page offers."""

import math
from collections import OrderedDict
from threading import Lock
from typing import Any

from focal_mmseg.apis import FOCALInferencer, Prediction
from focal_mmseg.weights import shipped

# Networks that are kept in memory, those used last.
KEPT = 2


class Models:
    """Networks by the names that the page shows; each starts when it is first asked for.

    Args:
        config (str, optional): Of one more model than those that ship.
        checkpoint (str, optional): Its weights.
        device (str, optional): See :class:`FOCALInferencer`.
    """

    def __init__(self, config: str | None = None, checkpoint: str | None = None, device: str | None = None) -> None:
        self._device = device
        self._sources: dict[str, tuple[str, str | None]] = {name: (name, None) for name in shipped()}
        self._started: OrderedDict[str, FOCALInferencer] = OrderedDict()
        self._lock = Lock()
        if config is not None:
            self.add(config, checkpoint)
        elif checkpoint is not None:
            raise ValueError(f'the checkpoint {checkpoint} needs the config that it was trained with: give both')

    @property
    def names(self) -> list[str]:
        """That can be chosen, the one added last first."""
        return list(reversed(self._sources))

    def add(self, config: str, checkpoint: str | None = None) -> str:
        """Offer one more model, after it was started; returns its name.

        Raises:
            Exception: Whatever :class:`FOCALInferencer` raises.
        """
        name = f'{config} with {checkpoint}' if checkpoint else config
        with self._lock:
            self._start(name, (config, checkpoint))
            self._sources[name] = config, checkpoint
        return name

    def predict(self, name: str, content: bytes) -> tuple[Prediction, float | None]:
        """Localise what is forged in an image; one at a time.

        Args:
            name (str): Of ``names``.
            content (bytes): Of the image's file.

        Returns:
            tuple[Prediction, float | None]: And the threshold of the model's gate, if it has one.

        Raises:
            KeyError: If there is no such model.
            ValueError: If the image cannot be read.
        """
        with self._lock:
            focal = self._started.get(name) or self._start(name, self._sources[name])
            self._started.move_to_end(name)
            return focal(content), _threshold(focal)

    def _start(self, name: str, source: tuple[str, str | None]) -> FOCALInferencer:
        self._started[name] = FOCALInferencer(*source, device=self._device)
        while len(self._started) > KEPT:
            self._started.popitem(last=False)
        return self._started[name]


def _threshold(focal: FOCALInferencer) -> float | None:
    """Of the gate's evidence: what a calibrated score of 1/2 stands for; None of a model without a gate."""
    gate: Any = getattr(getattr(focal.model, 'decode_head', None), 'gate', None)
    threshold = getattr(gate, 'threshold', None)
    if threshold is None or focal.calibration is None:
        return threshold
    # The score's logit is the logarithm of evidence over threshold, and the calibration moves it.
    return threshold * math.exp(focal.calibration.margin)
