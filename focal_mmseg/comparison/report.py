"""The report of a comparison: one page, and what is in it as files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

import focal_mmseg  # noqa: F401
from focal_mmseg.apis.run_config import parse_options, use_data
from focal_mmseg.datasets.degradations import strength_panels
from focal_mmseg.datasets.tested_images import Source, sources
from focal_mmseg.evaluation import OperatingCurve, read_operating_curves, read_rows
from focal_mmseg.evaluation.files import CURVES_FILE
from focal_mmseg.evaluation.operating import LEVEL
from focal_mmseg.evaluation.summary import HEADINGS
from focal_mmseg.utils import atomic_write, read_config
from focal_mmseg.utils.pages import write_page
from focal_mmseg.visualization import plot_curves, plot_operating_curves, plot_panels

from .comparison import Comparison
from .images import image_metrics, spread_evenly, write_masks, write_scatter
from .results import average_over_sets, degradations_table, differences_table, intervals_table, operating_table
from .table import Table

WORST = 3
SCATTERED = 'iou'
# What each rule adds to the images that count.
PRISTINE = {
    'exclude': '',
    'paper': ', and F1 and IoU over pristine ones too, as 1 where nothing is called forged and 0 else',
    'zero': ', and F1 and IoU over pristine ones too, as 0',
}


@dataclass(frozen=True)
class Section:
    """A part of the page, whose template shows it in this order.

    Attributes:
        title (str): Its heading.
        text (str): A paragraph.
        tables (Sequence[Table]): One below the other.
        images (Sequence[tuple[Path, str]]): Files, and what each shows, for those who do not see it.
        listing (tuple[Sequence[str], Sequence[Sequence[str]]] | None): Headings, and rows of texts.
    """

    title: str
    text: str = ''
    tables: Sequence[Table] = ()
    images: Sequence[tuple[Path, str]] = ()
    listing: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None


def write_report(comparison: Comparison) -> None:
    """Write ``report.html`` and what is in it: tables as CSV and Markdown, images as PNG."""
    sections = [
        _metrics(comparison),
        *_operating(comparison),
        _certainty(comparison),
        *_robustness(comparison),
        *_trainings(comparison),
        *_images(comparison),
        _listing(comparison),
    ]
    path = comparison.folder / 'report.html'
    write_page(path, 'comparison.html.j2', title=comparison.plan.title, sections=sections)


def _metrics(comparison: Comparison) -> Section:
    """Table 1's form."""
    table = comparison.table()
    _write_table(comparison.folder / 'table', table)
    text = (
        f'F1, IoU and AUC are averages over forged images{PRISTINE[comparison.plan.pristine]}, false alarms the share '
        'of pixels called forged on pristine ones. Best bold, second best underlined.'
    )
    return Section('Metrics', text, [table])


def _write_table(stem: Path, table: Table) -> None:
    """Write a table as Markdown, and with all digits as CSV."""
    table.write_csv(stem.with_suffix('.csv'))
    _write_markdown(stem.with_suffix('.md'), [table])


def _write_markdown(path: Path, tables: Sequence[Table]) -> None:
    with atomic_write(path) as part:
        part.write_text('\n'.join(each.to_markdown() for each in tables), encoding='utf-8')


def _operating(comparison: Comparison) -> Iterator[Section]:
    """What is found at each level of false alarms, of a model's first training."""
    first = {model: comparison.tested[runs[0]] for model, runs in comparison.trainings.items()}
    read = {model: {name: _read_curves(masks) for name, masks in sets.items()} for model, sets in first.items()}
    curves = {model: {name: each['all'] for name, each in sets.items() if each} for model, sets in read.items()}
    curves = {model: sets for model, sets in curves.items() if sets}
    if not curves:
        return
    table = operating_table(curves)
    _write_table(comparison.folder / 'operating', table)
    text = (
        'One threshold of the score for all images, set so that 5 % of the pixels of pristine images are called '
        'forged. Models compare whatever threshold each has of its own.'
    )
    name = next(iter(next(iter(curves.values()))))
    drawn = {model: sets[name] for model, sets in curves.items() if name in sets}
    path = comparison.folder / 'operating.png'
    plot_operating_curves(
        path, {model: (each.false_alarms, each.metrics['iou']) for model, each in drawn.items()}, 'IoU', LEVEL
    )
    shown = f'IoU over false alarms{f" on {name}" if name else ""}; dashed: 5 %'
    yield Section('False alarms', text, [table], [(path, shown)])


def _read_curves(masks: Path) -> dict[str, OperatingCurve]:
    """By the name of a group; none where an older test left no curves."""
    path = masks / CURVES_FILE
    return read_operating_curves(path) if path.is_file() else {}


def _certainty(comparison: Comparison) -> Section:
    """How sure the metrics are: intervals over images, and differences from the first model."""
    results, plan = comparison.results, comparison.plan
    shared = (results, comparison.trainings, comparison.rows)
    tables = [intervals_table(*shared, metric, plan.pristine) for metric in plan.metrics]
    if len(results) > 1:
        tables += [differences_table(results, metric, plan.pristine) for metric in plan.metrics]
    _write_markdown(comparison.folder / 'intervals.md', tables)
    text = (
        'In brackets where 95 % of the averages lie if the images are drawn anew. A difference is taken image by '
        'image. The metrics of a model that was trained several times are the means of its trainings.'
    )
    return Section('Intervals', text, tables)


def _robustness(comparison: Comparison) -> Iterator[Section]:
    """The metrics under each degradation (figure 9), the first one as curves, of a model's first training."""
    metrics, pristine = comparison.plan.metrics, comparison.plan.pristine

    def means(folder: Path) -> dict[str, float]:
        return average_over_sets(read_rows(folder / 'images.csv'), pristine)

    degraded = {
        model: {name: means(folder) for name, folder in folders.items()}
        for model, folders in comparison.degraded().items()
    }
    if not degraded:
        return
    clean = {model: means(folder) for model, folder in comparison.first_masks().items() if model in degraded}
    table = degradations_table(clean, degraded, metrics)
    _write_table(comparison.folder / 'robustness', table)
    curves = {model: {name: each[metrics[0]] for name, each in own.items()} for model, own in degraded.items()}
    path = comparison.folder / 'robustness.png'
    heading = HEADINGS[metrics[0]]
    plot_panels(path, strength_panels(curves), heading, {model: each[metrics[0]] for model, each in clean.items()})
    text = 'Each set counts once.'
    yield Section('Degraded images', text, [table], [(path, f'{heading} on degraded images; dashed: as they are')])


def _trainings(comparison: Comparison) -> Iterator[Section]:
    """What each training cost, and the loss of each model's first one (figure 4)."""
    table = comparison.trainings_table()
    if table is None:
        return
    _write_table(comparison.folder / 'trainings', table)
    curves = {model: {int(step['iter']): step['loss'] for step in runs[0]} for model, runs in comparison.logs.items()}
    path = comparison.folder / 'loss_curves.png'
    plot_curves(path, curves, 'loss')
    text = (
        'The last loss is the mean of the last steps that were logged; different losses have different heights. '
        'Spikiness is the mean distance of the loss to its running median, as a share of the way of the median.'
    )
    shown = 'loss over the steps as it was logged, with its running median'
    yield Section('Trainings', text, [table], [(path, shown)])


def _images(comparison: Comparison) -> Iterator[Section]:
    """Grids and scatter plots; of the first set where there are several, and of a model's first training."""
    folders = comparison.first_masks()
    found, lack = _sources(comparison, next(iter(folders))) if folders else ([], '')
    if lack:
        yield Section('Masks', f'The masks are not shown: the test images cannot be read here. {lack}')
    values = {model: image_metrics(read_rows(folder / 'images.csv'), SCATTERED) for model, folder in folders.items()}
    heading = HEADINGS[SCATTERED]
    if found and comparison.plan.images:
        path = comparison.folder / 'masks.png'
        write_masks(path, spread_evenly(found, comparison.plan.images), folders, values)
        text = (
            f'Input, truth and the mask of each model, with the {heading} of forged images above; behind it, where a '
            'model gives them, how sure it is of the mask (confidence) and where it sees edges, bright = 1.'
        )
        yield Section('Masks', text, images=[(path, 'masks of each model')])
    if len(values) > 1:
        first, *others = values
        path = comparison.folder / 'scatter.png'
        write_scatter(path, (first, values[first]), {name: values[name] for name in others}, heading)
        text = f'{heading} of each forged image, {first} against the others'
        yield Section('Image by image', images=[(path, text)])
    for model in folders if found else ():
        worst = _worst(found, values[model])
        if worst:
            path = comparison.run_folder(model) / 'worst.png'
            write_masks(path, worst, folders, values)
            text = f'forged images with the lowest {heading} of {model}'
            yield Section(f'Worst of {model}', images=[(path, text)])


def _sources(comparison: Comparison, model: str) -> tuple[list[Source], str]:
    """The images of the first set, as the model's config has them; or why they cannot be shown."""
    run = next(each for each in comparison.plan.runs if each.model == model)
    first = comparison.plan.sets[0]
    # Weights, of which a plan may name those of another model, have nothing to do with the images.
    options = [each for each in (*run.options, *first.options) if each.startswith('test_dataloader.')]
    init_default_scope('mmseg')
    try:
        cfg = read_config(run.config)
        if first.data:
            use_data(cfg, first.data, ('test',))
        cfg.merge_from_dict(parse_options(options))
        return list(sources(DATASETS.build(cfg.test_dataloader.dataset))), ''
    except (OSError, ValueError) as error:
        return [], str(error)


def _worst(found: list[Source], values: dict[tuple[str, str], float]) -> list[Source]:
    scored = [each for each in found if (each.dataset, each.name) in values]
    return sorted(scored, key=lambda each: values[each.dataset, each.name])[:WORST]


def _listing(comparison: Comparison) -> Section:
    """The models, and what is not in the report."""
    rows = []
    for run in comparison.plan.runs:
        weights = 'trained' if run.train else run.checkpoint or '-'
        there = weights if run.name in comparison.tested else f'{weights}; not in this report'
        rows.append((run.name, run.config, there, ' '.join(run.options) or '-'))
    return Section('Models', listing=(('model', 'config', 'weights', 'overrides'), rows))
