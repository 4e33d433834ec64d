r"""What rules find at a level of false alarms, on embeddings that embed.py wrote; docs/notes/clustering.md has a table.

For each rule one threshold for all images of a set is chosen so that false alarms, the mean share of a pristine image's
pixels that are called forged, are at most 10, 5, 2 and 1 % on the pristine images of the set; the IoU is the mean over
its forged ones. Beside it stand the AUC of the pixels (the mean over forged images), the 95 % interval of what the rule
gains over the first one at 5 %, and, for a gate, IoU and false alarms of its clusterer without the gate. Rules of the
JPEG file need embeddings that were written with --jpeg, and are left out without.

--held-out draws random halves: one half of the images of all sets chooses the rule and its threshold for each level,
the other half says what they find, and what K-means finds alone.

Example:
  python tools/analysis_tools/gates.py casia1=casia1.zip made=made.zip,made_pristine.zip --out work_dirs/gates.json
  python tools/analysis_tools/gates.py casia1=casia1.zip --most 200 --rules 'pristine centre, gate' 'BIRCH, gate'
  python tools/analysis_tools/gates.py casia1=casia1.zip made=made.zip,made_pristine.zip --held-out 200
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from prettytable import PrettyTable

from focal_mmseg.analysis.clustered_image import ClusteredImage
from focal_mmseg.analysis.embedding_sets import describe_counts, read_set
from focal_mmseg.analysis.gate_rules import RULES
from focal_mmseg.analysis.held_out_rules import HeldOut, measure_held_out
from focal_mmseg.analysis.rule_metrics import LEVELS, compute_image_row, compute_rule_metrics
from focal_mmseg.apis.embeddings import EmbeddedImage
from focal_mmseg.utils import atomic_write, positive_int
from focal_mmseg.utils.progress import track
from focal_mmseg.utils.tables import number_text, text_table

DEFAULT = next(iter(RULES))
# The clusterer that the results of held-out images are compared with.
COMPARED = 'K-means, gate'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sets', nargs='+', metavar='NAME=FILE[,FILE...]', help='embeddings of each set, of embed.py')
    parser.add_argument('--rules', nargs='+', choices=tuple(RULES), metavar='RULE', help='only these, and the first')
    parser.add_argument('--most', type=positive_int, help='so many images of a set, spread over it; default all')
    parser.add_argument('--held-out', type=positive_int, metavar='DRAWS', help='choose on halves, test on the others')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/gates.json'), help='default %(default)s')
    return parser.parse_args()


def rules_of(asked: list[str] | None, has_jpeg: bool, always: Sequence[str] = (DEFAULT,)) -> list[str]:
    """The rules to measure; some always.

    Raises:
        ValueError: If one that was asked for needs what the embeddings do not hold.
    """
    lacking = [name for name in RULES if RULES[name].needs_jpeg and not has_jpeg]
    if refused := [name for name in asked or () if name in lacking]:
        raise ValueError(f'{", ".join(refused)}: the embeddings hold nothing of the JPEG file; write them with --jpeg')
    return [name for name in RULES if name not in lacking and (name in always or not asked or name in asked)]


def measure_rules(images: list[EmbeddedImage], rules: list[str]) -> dict[str, list[dict]]:
    """What is kept of each image, by rule."""
    rows: dict[str, list[dict]] = {name: [] for name in rules}
    for image in track(images, 'images'):
        clustered = ClusteredImage(image)
        for name in rules:
            rows[name].append(compute_image_row(RULES[name], clustered))
    return rows


def make_table(results: dict[str, dict[str, float]]) -> PrettyTable:
    """A row a rule."""
    levels = (f'IoU at {level:.0%}' for level in LEVELS)
    table = PrettyTable(('rule', 'AUC', *levels, 'gain at 5 %', 'IoU alone', 'false alarms alone'))
    table.align['rule'] = 'l'
    for name, own in results.items():
        values = {key: number_text(value) for key, value in own.items()}
        gain = f'{own["gain_low"]:+.3f} to {own["gain_high"]:+.3f}'
        ious = (values[f'iou_at_{level}'] for level in LEVELS)
        table.add_row((name, values['auc'], *ious, gain, values['own_iou'], values['own_false_alarm']))
    return table


def held_out_table(results: dict[str, dict[float, HeldOut]]) -> PrettyTable:
    """A row a set and level."""
    headings = (
        'set',
        'level',
        'IoU held out',
        '95 % of the halves',
        'false alarms',
        'K-means alone',
        'chosen most often',
    )
    rows = []
    for name, levels in results.items():
        for level, own in levels.items():
            interval, chosen = f'{own.low:.3f} to {own.high:.3f}', f'{own.rule} ({own.share:.0%})'
            rows.append((name, f'{level:.0%}', own.iou, interval, own.false_alarm, own.alone, chosen))
    return text_table(headings, rows)


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    try:
        sets = dict(read_set(said, args.most) for said in args.sets)
        has_jpeg = all(image.jpeg_stream is not None for images in sets.values() for image in images)
        rules = rules_of(args.rules, has_jpeg, (DEFAULT, COMPARED) if args.held_out else (DEFAULT,))
    except (OSError, ValueError) as error:
        sys.exit(f'gates.py: {error}')
    rows, results = {}, {}
    for name, images in sets.items():
        rows[name] = measure_rules(images, rules)
        results[name] = {rule: compute_rule_metrics(own, rows[name][DEFAULT]) for rule, own in rows[name].items()}
        print(f'\n{name}: {describe_counts(images)}\n{make_table(results[name])}')
    write_json(
        args.out, {name: {rule: without_nan(own) for rule, own in each.items()} for name, each in results.items()}
    )
    if args.held_out:
        try:
            held_out = measure_held_out(rows, args.held_out, COMPARED)
        except ValueError as error:
            sys.exit(f'gates.py: {error}')
        print(f'\n{held_out_table(held_out)}')
        out = args.out.with_name(f'{args.out.stem}_held_out.json')
        write_json(out, {name: {level: asdict(own) for level, own in each.items()} for name, each in held_out.items()})


def without_nan(values: dict[str, float]) -> dict[str, float | None]:
    """None, which JSON knows, for NaN."""
    return {key: None if math.isnan(value) else value for key, value in values.items()}


def write_json(path: Path, content: dict) -> None:
    """Write and say so."""
    with atomic_write(path) as part:
        part.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
    print(f'written to {path}')


if __name__ == '__main__':
    main()
