"""The examples in the package's docstrings say what comes out."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'focal_mmseg'


def modules_with_examples() -> list[str]:
    """Those with an example that needs no file of the reader's."""
    found = []
    for path in sorted(PACKAGE.rglob('*.py')):
        examples = [line for line in path.read_text(encoding='utf-8').splitlines() if '>>> ' in line]
        if any('+SKIP' not in line for line in examples):
            found.append('.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts))
    return found


@pytest.mark.parametrize('module', modules_with_examples())
def test_examples_give_what_they_say(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted and not found.failed


def test_what_a_user_calls_first_has_an_example() -> None:
    names = set(modules_with_examples())
    for module in (
        'clustering.evidence_gate',
        'clustering.hdbscan_clusterer',
        'clustering.sklearn_clusterers',
        'evaluation.averages',
        'evaluation.counts',
        'evaluation.detection',
        'evaluation.localisation',
        'models.embedding_maps',
        'models.losses.circle_loss',
        'models.losses.info_nce_plus_plus_loss',
        'models.losses.triplet_loss',
    ):
        assert f'focal_mmseg.{module}' in names
