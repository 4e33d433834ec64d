"""Degradations of test images by short names, the grids of the papers, and their place in a pipeline."""

from collections.abc import Mapping, Sequence

from mmengine.config import Config

from .wrapped import iter_dataset_configs

# Kind: the transform, the parameter that the number is for, and the number's type.
KINDS = {
    'jpeg': ('JPEGCompression', 'quality', int),
    'blur': ('GaussianBlur', 'kernel', int),
    'blur-sigma': ('GaussianBlur', 'sigma', float),
    'noise-sigma': ('GaussianNoise', 'sigma', float),
    'noise-variance': ('GaussianNoise', 'variance', float),
    'gamma': ('GammaCorrection', 'gamma', float),
    'resize': ('DegradeByResize', 'factor', float),
    'png': ('SaveAsPNG', None, None),
    'osn-simulated': ('SimulatedSocialNetwork', None, None),
}
NONE = 'none'


def _grid(kind: str, *values: float) -> tuple[str, ...]:
    return tuple(f'{kind}:{value:g}' for value in values)


PRESETS = {
    # Figure 9 of FOCAL; its axis says "Noise Variance". The real transmissions of four networks are data sets.
    'focal': (
        NONE,
        *_grid('jpeg', 90, 80, 70, 60, 50),
        *_grid('blur', 3, 5, 7),
        *_grid('noise-variance', 3, 5, 7, 9),
        'osn-simulated',
    ),
    # IMDL-BenCo's test_robust.py: its noise numbers are albumentations' var_limit, a variance.
    'imdl-benco': (
        NONE,
        *_grid('jpeg', 100, 90, 80, 70, 60, 50),
        *_grid('blur', 3, 7, 11, 15, 19, 23),
        *_grid('noise-variance', 3, 7, 11, 15, 19, 23),
    ),
    'safire': (
        NONE,
        *_grid('jpeg', 100, 90, 80, 70, 60, 50),
        *_grid('blur', 3, 7, 11, 15, 19),
        *_grid('noise-sigma', 3, 7, 11, 15, 19, 23),
        *_grid('gamma', 0.7, 0.85, 1.15, 1.3),
    ),
    # Figure 5 of IF-OSN, p from 0 to 15: quality and size 100 - 2p, noise p / 10, and of the kernels p / 2 those that
    # are odd. Its cropping is not here.
    'if-osn': (
        NONE,
        *_grid('jpeg', *range(100, 68, -2)),
        *_grid('blur', 3, 5, 7),
        *_grid('noise-sigma', *(p / 10 for p in range(1, 16))),
        *_grid('resize', *(1 - p / 50 for p in range(1, 16))),
    ),
}  # fmt: skip


def parse_degradation(text: str) -> list[dict]:
    """The transforms of a short name.

    Args:
        text (str): ``KIND:NUMBER``, as ``'jpeg:70'``; several joined by ``+`` follow each other, as
            ``'resize:0.5+jpeg:70'``. ``'osn-simulated'`` takes no number; ``'none'`` is no transform.

    Returns:
        list[dict]: Configs of transforms.

    Raises:
        ValueError: If a kind is unknown, or its number is missing or no number.
    """
    return [] if text == NONE else [_transform(part) for part in text.split('+')]


def _transform(text: str) -> dict:
    kind, colon, number = text.partition(':')
    if kind not in KINDS:
        raise ValueError(f'unknown degradation {kind!r}, there are {NONE}, {", ".join(KINDS)}')
    name, parameter, convert = KINDS[kind]
    if parameter is None or convert is None:
        if colon:
            raise ValueError(f'{kind} takes no number, got {text!r}')
        return dict(type=name)
    try:
        return dict(type=name, **{parameter: convert(number)})
    except ValueError as error:
        whole = 'a whole' if convert is int else 'a'
        raise ValueError(
            f'{kind} takes {whole} number, as {kind}:{3 if convert is int else 0.5}, got {text!r}'
        ) from error


def strength_panels(results: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Values under degradations, as :func:`plot_panels` draws them: a panel a kind, a line a model.

    Args:
        results (Mapping[str, Mapping[str, float]]): By the model's name and the degradation's short name.

    Returns:
        dict[str, dict[str, list[tuple[str, float]]]]: By kind and model: (strength, value), in the order of the tests.
        Degradations that follow each other are of the kind ``'several'``.
    """
    panels: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for model, values in results.items():
        for name, value in values.items():
            if name != NONE:
                kind, _, strength = name.partition(':') if '+' not in name else ('several', '', name)
                panels.setdefault(kind, {}).setdefault(model, []).append((strength, value))
    return panels


def insert_degradation(pipeline: Sequence[dict], transforms: Sequence[dict]) -> list[dict]:
    """A pipeline in which images are degraded as soon as they are loaded.

    Args:
        pipeline (Sequence[dict]): Configs of transforms, of which one loads the image.
        transforms (Sequence[dict]): Of :func:`parse_degradation`.

    Raises:
        ValueError: If no transform loads an image.
    """
    for place, transform in enumerate(pipeline, 1):
        if str(transform['type']).rpartition('.')[2].startswith('LoadImageFrom'):
            return [*pipeline[:place], *(dict(each) for each in transforms), *pipeline[place:]]
    raise ValueError('the pipeline has no LoadImageFromFile behind which images could be degraded')


def degrade_tests(cfg: Config, text: str) -> None:
    """Degrade the test images of a config, with and without test-time augmentation.

    Args:
        cfg (Config): Changed: ``test_dataloader``, and ``test_pipeline`` and ``tta_pipeline`` where there are any.
        text (str): See :func:`parse_degradation`.

    Raises:
        ValueError: If the text is no degradation, or a pipeline loads no image.
    """
    transforms = parse_degradation(text)
    if not transforms:
        return
    for dataset in iter_dataset_configs(cfg.test_dataloader.dataset):
        if dataset.get('pipeline'):
            dataset['pipeline'] = insert_degradation(dataset['pipeline'], transforms)
    for name in ('test_pipeline', 'tta_pipeline'):
        if cfg.get(name):
            cfg[name] = insert_degradation(cfg[name], transforms)
