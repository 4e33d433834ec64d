"""Images with forged regions: folders of images and masks, or a list file."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
from mmengine.dataset import Compose
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from focal_mmseg.utils import IMAGE_SUFFIXES, check_image_size, image_ending, search_images

from .any_image import enable_any_image, reads_any_image, require_read_by_opencv
from .index import IndexRow, drop_repeats, name_below, read_index
from .mask_files import MaskFolder, describe_unmatched, image_stem, is_file_or_link

FORGED_IS = ('white', 'black')


@DATASETS.register_module()
class ForgeryDataset(BaseSegDataset):
    """Forged and pristine images with their masks.

    Without ``ann_file`` every image below ``data_prefix.img_path`` belongs to the set, whatever its name, and its
    mask is the file below ``data_prefix.seg_map_path`` of the same relative name up to ``seg_map_suffix``, whose case
    does not matter. A warning counts other files. The first folder below ``img_path``, if there is one, is the
    image's kind (``splice/0001.jpg``), by which the metric groups. Links are followed, see :func:`search_images`.
    Names that begin with a dot count for nothing; where both prefixes are one folder, masks are not taken for images.

    With ``ann_file`` each line of it names an image, its mask, its kind and its set, relative to the prefixes; all but
    the image may be left out, see :func:`read_index`.

    ``LoadImageFromFile`` of the pipeline reads GIF, JPEG 2000, AVIF and HEIC through Pillow, see
    :func:`enable_any_image`.

    Args:
        dataset_name (str, optional): Name in tables. Defaults to the last part of ``data_root``.
        img_suffix (str | Sequence[str], optional): Endings, in any case, of the files that alone are images. Defaults
            to none: what is one by its content.
        seg_map_suffix (str): What a mask's name has in place of the image's ending, as ``'_gt.png'``.
            Defaults to ``'.png'``.
        forged_is (str): Colour of forged pixels in the mask files, ``'white'`` or ``'black'``. Defaults to
            ``'white'``.
        mask_threshold (int): White is above it, in 0..254. Defaults to 127, by which a mask with areas of grey between
            black and white is an error; any other value says which of them are forged.
        pristine_without_mask (bool): Whether an image without a mask is a pristine one; else it is an error, as it is
            if files in the folder of masks belong to no image: then the names do not fit. Defaults to False.
        forged_only (bool): Whether images of the kind ``'pristine'``, and those without a mask, are left out; the
            content of masks does not count. Defaults to False.
        skip_damaged (bool): Whether an image that cannot be read, or whose mask cannot, is left out with a warning:
            in training another one takes its place, in testing all are read once before. Defaults to False: an error.

    Attributes:
        skipped (list[str]): Why images were left out, as far as this process met them.

    Raises:
        FileNotFoundError: If a folder, the list file, an image of the list or a mask is missing.
        ValueError: If an option is out of its range, the set is empty, there are images without masks beside masks
            without images, or the list names an image twice in two ways.
    """

    METAINFO: ClassVar[dict] = dict(classes=('pristine', 'forged'), palette=[[0, 0, 0], [255, 0, 0]])

    def __init__(
        self,
        dataset_name: str | None = None,
        img_suffix: str | Sequence[str] | None = None,
        seg_map_suffix: str = '.png',
        forged_is: str = 'white',
        mask_threshold: int = 127,
        pristine_without_mask: bool = False,
        forged_only: bool = False,
        skip_damaged: bool = False,
        **kwargs: Any,
    ) -> None:
        if forged_is not in FORGED_IS:
            raise ValueError(f'forged_is must be one of {FORGED_IS}, got {forged_is!r}')
        if not 0 <= mask_threshold <= 254:
            raise ValueError(f'mask_threshold must be in 0..254, got {mask_threshold}')
        self.dataset_name = dataset_name or _last_part(kwargs.get('data_root')) or 'forgery'
        self.forged_is = forged_is
        self.mask_threshold = mask_threshold
        self.pristine_without_mask = pristine_without_mask
        self.forged_only = forged_only
        self.skip_damaged = skip_damaged
        self.skipped: list[str] = []
        kwargs['pipeline'] = enable_any_image(kwargs.get('pipeline') or [])
        self._reads_any = reads_any_image(kwargs['pipeline'])
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Find the images and their masks, in the order of their names or of the list file."""
        images = self._folder('img_path')
        if images is None:
            raise ValueError(f'{type(self).__name__} needs data_root or data_prefix=dict(img_path=...)')
        masks = self._folder('seg_map_path')
        rows = self._rows_from_list(images, masks) if self.ann_file else self._rows_from_folder(images, masks)
        data_list = [self._data_info(images, masks, row) for row in rows]
        _tell_apart(data_list)
        if self.forged_only:
            data_list = [info for info in data_list if not is_pristine(info)]
        if not data_list and rows:
            raise ValueError(f'every image of {self.ann_file or images} is pristine, and forged_only=True')
        if not data_list:
            where = self.ann_file or images
            raise ValueError(
                f'{where} holds no image ({", ".join(self._suffixes() or IMAGE_SUFFIXES)}): check data_root and '
                'data_prefix'
            )
        return data_list

    def _suffixes(self) -> tuple[str, ...]:
        """The endings that alone are wanted."""
        suffixes = (self.img_suffix,) if isinstance(self.img_suffix, str) else tuple(self.img_suffix or ())
        return tuple(suffix.lower() for suffix in suffixes)

    def _folder(self, key: str) -> Path | None:
        """The folder of a data prefix; None where there is none."""
        if not self.data_prefix.get(key):
            return None
        folder = Path(self.data_prefix[key])
        if not folder.is_dir():
            raise FileNotFoundError(f'the folder {folder} does not exist: check data_root and data_prefix.{key}')
        return folder

    def _rows_from_folder(self, images: Path, masks: Path | None) -> list[IndexRow]:
        """A row for every image file below the folder, with the mask that it has or should have."""
        found = search_images(images, self._suffixes() or None)
        if found.left_out:
            warnings.warn(found.describe_left_out(), stacklevel=4)
        names = [path.relative_to(images).as_posix() for path in found.paths]
        folder = MaskFolder(masks, self.seg_map_suffix) if masks else None
        of_names = {name: folder.name_for(name) if folder else '' for name in names}
        if folder and folder.folder.samefile(images):
            are_masks = set(of_names.values())
            names = [name for name in names if name not in are_masks]
        # seg_map_path='' names no folder of masks, and what mmseg makes of it holds the images too.
        unnamed = masks and self.data_root and masks.samefile(self.data_root) and not masks.samefile(images)
        if folder and self.pristine_without_mask and not unnamed:
            self._require_names_that_fit(folder, {name: of_names[name] for name in names})
        return [IndexRow(name, of_names[name], _first_folder(name)) for name in names]

    def _require_names_that_fit(self, folder: MaskFolder, masks: dict[str, str]) -> None:
        """Refuse masks of no image beside images of no mask, which would all become pristine."""
        lacking = [name for name, mask in masks.items() if not is_file_or_link(folder.folder / mask)]
        unmatched = folder.unmatched(masks.keys(), masks.values()) if lacking else []
        if unmatched:
            raise ValueError(
                f'{len(lacking)} of {len(masks)} images have no mask, as {lacking[0]}, which should have '
                f'{masks[lacking[0]]}, while {describe_unmatched(unmatched, folder.folder)}: give them the names of '
                f'their images, set seg_map_suffix (it is {self.seg_map_suffix!r}), or name the pairs in a list file'
            )

    def _rows_from_list(self, images: Path, masks: Path | None) -> list[IndexRow]:
        """A row for every line of the list file, its names as the files are called."""
        rows = [
            replace(row, image=name_below(images, row.image), mask=name_below(masks or images, row.mask))
            for row in read_index(self.ann_file)
        ]
        rows = drop_repeats(self.ann_file, rows)
        if masks and self.pristine_without_mask and not masks.samefile(images):
            self._tell_of_masks_not_named(masks, rows)
        return rows

    def _tell_of_masks_not_named(self, masks: Path, rows: Sequence[IndexRow]) -> None:
        """Warn of images that the list calls pristine by naming no mask, where there is one that is called so."""
        folder = MaskFolder(masks, self.seg_map_suffix)
        open_rows = [row for row in rows if not row.mask and row.kind != 'pristine']
        named = [row for row in open_rows if is_file_or_link(masks / folder.name_for(row.image))]
        if named:
            warnings.warn(
                f'{self.ann_file}, line {named[0].line}, names no mask for {named[0].image}, which counts as pristine, '
                f'but {masks / folder.name_for(named[0].image)} is there; so it is for {len(named)} images: name the '
                'masks, or the kind pristine',
                stacklevel=4,
            )

    def _data_info(self, images: Path, masks: Path | None, row: IndexRow) -> dict:
        """What the pipeline gets for one image."""
        img_path = images / row.image
        seg_map_path = masks / row.mask if masks and row.mask else None
        if self.ann_file and not _holds(img_path.is_file):
            raise FileNotFoundError(
                f'{self.ann_file} lists {img_path}, which does not exist, in line {row.line}: check '
                'data_prefix.img_path, that tabs separate image, mask, kind and set, and that a comment begins with '
                '# and a space'
            )
        if seg_map_path is None or not _holds(seg_map_path.is_file):
            # What is named but missing is no image without a mask.
            named = (self.ann_file and row.mask) or (seg_map_path is not None and _holds(seg_map_path.is_symlink))
            if named or not self.pristine_without_mask:
                raise FileNotFoundError(self._missing_mask(img_path, masks, seg_map_path, row))
            seg_map_path = None
        return dict(
            img_path=str(img_path),
            seg_map_path=None if seg_map_path is None else str(seg_map_path),
            forged_is=self.forged_is,
            mask_threshold=self.mask_threshold,
            dataset_name=row.dataset or self.dataset_name,
            image_name=image_stem(row.image),
            kind=row.kind,
            reduce_zero_label=False,
            label_map=None,
            seg_fields=[],
        )

    def _missing_mask(self, image: Path, masks: Path | None, mask: Path | None, row: IndexRow) -> str:
        """What is wrong with an image without a mask, and what to do."""
        key = 'seg_map_path of data_prefix' if masks is None else self.ann_file or 'seg_map_suffix'
        text = (
            f'the image {image} has no mask{f" {mask}" if mask else ""}: check {key}'
            f'{f", line {row.line}" if self.ann_file and masks else ""}, or set pristine_without_mask=True if images '
            'without a mask are pristine'
        )
        if masks is None or mask is None or self.ann_file:
            return text
        others = [name for name in MaskFolder(masks, '').names if (masks / name).parent == mask.parent]
        return f'{text} (in {mask.parent} there is {", ".join(others[:3]) or "no image"})'

    def filter_data(self) -> list[dict]:
        """Leave out damaged images of a test, if they are to be skipped."""
        if not (self.skip_damaged and self.test_mode):
            return self.data_list
        whole = []
        for info in self.data_list:
            try:
                self._load(dict(info))
            except ValueError as error:
                self._skip(error)
            else:
                whole.append(info)
        if not whole:
            raise ValueError(f'{self.dataset_name}: every image is damaged; the first: {self.skipped[0]}')
        return whole

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on one image; in training on another one, if it is damaged and such are to be skipped.

        Args:
            idx (int): Which one.

        Raises:
            ValueError: If a file cannot be read or its content does not fit; the message names the file.
        """
        for _ in range(self.max_refetch):
            try:
                return self._run(self.pipeline, self.get_data_info(idx))
            except ValueError as error:
                if self.test_mode or not self.skip_damaged:
                    raise
                self._skip(error)
                idx = self._rand_another()
        return self._run(self.pipeline, self.get_data_info(idx))

    def _load(self, info: dict) -> None:
        """Read an image and its mask."""
        load = enable_any_image([dict(type='LoadImageFromFile'), dict(type='LoadForgeryMask')])
        self._run(Compose(load), info)

    def _run(self, pipeline: Callable[[dict], Any], info: dict) -> Any:
        """Run a pipeline; an error names the image."""
        image = info['img_path']
        try:
            for path in filter(None, (image, info['seg_map_path'])):
                check_image_size(path)
            if not self._reads_any:
                require_read_by_opencv(image)
            return pipeline(info)
        except (AssertionError, OSError, ValueError, cv2.error) as error:
            raise ValueError(f'{self.dataset_name}: cannot use the image {image}: {error}') from error

    def _skip(self, error: ValueError) -> None:
        """Say once that an image is skipped."""
        if str(error) not in self.skipped:
            self.skipped.append(str(error))
            warnings.warn(f'skipped: {error}', stacklevel=3)


def is_pristine(info: Mapping[str, Any]) -> bool:
    """Whether an image is pristine by its kind, or by having no mask; the content of masks does not count.

    Args:
        info (Mapping[str, Any]): What :class:`ForgeryDataset` gives its pipeline.
    """
    return info['kind'] == 'pristine' or info['seg_map_path'] is None


def _holds(test: Callable[[], bool]) -> bool:
    """Whether a test of a path holds; of a name that is too long, or in a closed folder, none does."""
    try:
        return test()
    except OSError:
        return False


def _first_folder(name: str) -> str:
    """The first folder of a relative name; '' where there is none."""
    first, _, rest = name.partition('/')
    return first if rest else ''


def _last_part(data_root: str | None) -> str:
    """The name of a folder, that of ``..`` too; '' where there is none."""
    if not data_root:
        return ''
    path = Path(data_root)
    return path.name if path.name not in ('', '..') else path.resolve().name


def _tell_apart(data_list: list[dict]) -> None:
    """Give images that differ by their ending alone, ``a.jpg`` and ``a.tif``, names with the ending."""
    with_ending = [info['image_name'] + image_ending(info['img_path']) for info in data_list]
    # Again, because ``a.jpg`` may now clash with ``a.jpg.png``; files have different names with their endings.
    for _ in range(2):
        files: dict[str, set[str]] = {}
        for info in data_list:
            files.setdefault(info['image_name'], set()).add(info['img_path'])
        for info, name in zip(data_list, with_ending, strict=True):
            if len(files[info['image_name']]) > 1:
                info['image_name'] = name
