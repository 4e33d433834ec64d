r"""How to tell a forged image from a pristine one without a classifier: candidates compared.

docs/notes/clustering.md has a table.

A candidate gives one number an image, from its embeddings, its clusters or its map of evidence. The table has, for each
set of embeddings that embed.py wrote, the AUC of forged against pristine images, with the 95 % interval of images drawn
anew.

Example:
  python tools/analysis_tools/image_scores.py casia1=casia1.zip made=made.zip,made_pristine.zip
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from prettytable import PrettyTable
from sklearn.metrics import roc_auc_score

from focal_mmseg.analysis.clustered_image import ClusteredImage
from focal_mmseg.analysis.embedding_sets import describe_counts, read_set
from focal_mmseg.analysis.image_statistics import STATISTICS
from focal_mmseg.apis.embeddings import EmbeddedImage
from focal_mmseg.utils import atomic_write, positive_int
from focal_mmseg.utils.progress import track

DRAWS = 200


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sets', nargs='+', metavar='NAME=FILE[,FILE...]', help='embeddings of each set, of embed.py')
    parser.add_argument('--most', type=positive_int, help='so many images of a set, spread over it; default all')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/image_scores.json'), help='default %(default)s')
    return parser.parse_args()


def compute_values(images: list[EmbeddedImage]) -> dict[str, np.ndarray]:
    """Each candidate's numbers, one an image."""
    found: dict[str, list[float]] = {name: [] for name in STATISTICS}
    for image in track(images, 'images'):
        clustered = ClusteredImage(image)
        for name, statistic in STATISTICS.items():
            found[name].append(statistic(clustered))
    return {name: np.array(own) for name, own in found.items()}


def compute_auc(forged: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """``auc``, and ``low`` and ``high``, its interval: forged and pristine images are drawn each among themselves."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        places = np.concatenate([rng.choice(np.flatnonzero(kind), kind.sum()) for kind in (forged, ~forged)])
        drawn.append(roc_auc_score(forged[places], values[places]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return dict(auc=float(roc_auc_score(forged, values)), low=float(low), high=float(high))


def main() -> None:
    """Measure, print and write."""
    args = parse_args()
    try:
        sets = dict(read_set(text, args.most) for text in args.sets)
    except (OSError, ValueError) as error:
        sys.exit(f'image_scores.py: {error}')
    results = {}
    for name, images in sets.items():
        forged = np.array([image.is_forged for image in images])
        results[name] = {candidate: compute_auc(forged, own) for candidate, own in compute_values(images).items()}
    table = PrettyTable(('image score', *(f'{name}: {describe_counts(images)}' for name, images in sets.items())))
    table.align['image score'] = 'l'
    for candidate in sorted(STATISTICS, key=lambda each: -min(own[each]['auc'] for own in results.values())):
        cells = (own[candidate] for own in results.values())
        table.add_row((candidate, *(f'{each["auc"]:.3f} ({each["low"]:.3f} to {each["high"]:.3f})' for each in cells)))
    print(f'\n{table}\nwritten to {args.out}')
    with atomic_write(args.out) as part:
        part.write_text(json.dumps(results, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
