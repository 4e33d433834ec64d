"""What every loss of the project shares: its name in the log, its weight, and the checks of options."""

from torch import nn


class NamedLoss(nn.Module):
    """A loss with a weight and a name, as mmseg's heads ask of one.

    Args:
        loss_weight (float): What the loss is multiplied by.
        loss_name (str): The key in the log; must contain "loss" to be trained on.

    Raises:
        ValueError: If ``loss_name`` does not contain "loss".
    """

    def __init__(self, loss_weight: float, loss_name: str) -> None:
        super().__init__()
        if 'loss' not in loss_name:
            raise ValueError(f'loss_name must contain "loss", else it is logged but not trained on, got {loss_name!r}')
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    @property
    def loss_name(self) -> str:
        """The key of this loss in the log."""
        return self._loss_name


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuse an option that is none of its choices.

    Raises:
        ValueError: If it is.
    """
    if value not in choices:
        raise ValueError(f'{name} must be one of {choices}, got {value!r}')


def check_above(name: str, value: float, bound: float = 0) -> None:
    """Refuse a number that is not above a bound and finite.

    Raises:
        ValueError: If it is not.
    """
    if not bound < value < float('inf'):
        raise ValueError(f'{name} must be above {bound} and finite, got {value}')


def check_at_least(name: str, value: float, least: float) -> None:
    """Refuse a number below the least one.

    Raises:
        ValueError: If it is.
    """
    if not value >= least:
        raise ValueError(f'{name} must be at least {least}, got {value}')
