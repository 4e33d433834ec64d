"""Converters of public data sets."""

from .base import DataSet, Dropped, ReleasedImage
from .casia import CASIA1, CASIA1_PLUS, CASIA2, CASIA2_CORRECTED
from .columbia import COLUMBIA
from .conversion import Report, convert
from .coverage import COVERAGE
from .fantasticreality import FANTASTICREALITY
from .imd2020 import IMD2020
from .misd import MISD
from .nist16 import NIST16
from .osn import OSN
from .pairs import AUTOSPLICE, COCOGLIDE, DSO1, FFPP, KORUS
from .tampcoco import COMPRAISE, TAMPCOCO

SETS: dict[str, DataSet] = {
    each.name: each
    for each in (
        *(COLUMBIA, COVERAGE, CASIA1, CASIA1_PLUS, NIST16, MISD, FFPP),
        *(DSO1, KORUS, COCOGLIDE, AUTOSPLICE, OSN),
        *(CASIA2, CASIA2_CORRECTED, IMD2020, FANTASTICREALITY, *TAMPCOCO, COMPRAISE),
    )
}

__all__ = ['SETS', 'DataSet', 'Dropped', 'ReleasedImage', 'Report', 'convert']
