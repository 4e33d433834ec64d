"""The package's definition; settings of tools are in pyproject.toml."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent

JPEG = ['jpeglib>=1.0.2']
TIMM = ['timm>=1.0.20']
# The maintained distributions of the OpenMMLab stack, under the same import names as the originals. They are an extra,
# so that a bare install leaves an MMSegmentation that is already there alone.
MMSEG = [
    'torchvision',
    'onedl-mmengine>=0.10.12',
    'onedl-mmcv>=2.3.6',
    'onedl-mmsegmentation>=1.4.2',
    'onedl-mmpretrain>=1.3.6',
    # The network that ships reads JPEG files, and its colour stream is one of timm.
    *JPEG,
    *TIMM,
    # The command line, its bars and its pages.
    'click>=8',
    'rich>=13',
    'jinja2>=3.1',
]
DINO = [*TIMM, 'peft>=0.15']
HEIF = ['pillow-heif>=1']
DATA = ['imagehash>=4.3']
DEMO = ['scikit-image>=0.22', 'matplotlib>=3.8']
# mmengine imports a module that later versions have no more.
DEEPSPEED = ['deepspeed>=0.17,<0.18']
TRACK = ['tensorboard>=2.16']
# The page to drop images on.
APP = ['gradio>=6,<7']
EXPORT = ['onnx>=1.17', 'onnxruntime>=1.20']
DOCS = ['mkdocs>=1.6,<2', 'mkdocs-material>=9.6', 'mkdocstrings[python]>=0.30']
TESTS = [
    'pytest>=8',
    'pytest-xdist>=3.6',
    'pytest-cov>=6',
    'filelock>=3.12',
    # The notebook of the documentation is run.
    'nbclient>=0.10',
    'nbformat>=5.10',
    'ipykernel>=6',
    'playwright>=1.50',
    'hypothesis>=6.100',
    'pytorch-metric-learning>=2.5',
    'mypy>=1.14',
    'ruff>=0.17,<0.18',
]


class BuildWithConfigs(build_py):
    """Puts configs and tools where OpenMMLab's packages have theirs, so that an installation finds them by name."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        # An editable install leaves the files where they are.
        if not self.editable_mode:
            out = Path(self.build_lib, 'focal_mmseg', '.mim')
            shutil.rmtree(out, ignore_errors=True)
            for name in ('configs', 'tools'):
                shutil.copytree(HERE / name, out / name, ignore=shutil.ignore_patterns('__pycache__', 'benchmarks'))
            shutil.copy(HERE / 'model-index.yml', out)


setup(
    name='focal_mmseg',
    version=re.search(r"__version__ = '(.+)'", (HERE / 'focal_mmseg' / 'version.py').read_text(encoding='utf-8'))[1],
    description='FOCAL image forgery localisation as a plugin for MMSegmentation',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    packages=find_packages(include=['focal_mmseg', 'focal_mmseg.*']),
    package_data={
        'focal_mmseg': ['py.typed', 'templates/*.j2'],
        'focal_mmseg.weights': ['*.pth', '*.md', '*.json'],
        'focal_mmseg.datasets.synthesis': ['camera_tables.json'],
    },
    entry_points=dict(console_scripts=['focal-mmseg = focal_mmseg.cli:main']),
    cmdclass=dict(build_py=BuildWithConfigs),
    python_requires='>=3.10',
    install_requires=[
        'torch>=2.6',
        'numpy>=1.24',
        'scipy>=1.10',
        # The bounds above: HDBSCANClusterer calls functions of these two that are not public.
        'scikit-learn>=1.3,<2',
        'threadpoolctl>=3',
        'hdbscan>=0.8.40,<0.9',
    ],
    extras_require=dict(
        mmseg=MMSEG,
        demo=DEMO,
        dino=DINO,
        jpeg=JPEG,
        data=DATA,
        heif=HEIF,
        track=TRACK,
        deepspeed=DEEPSPEED,
        app=APP,
        export=EXPORT,
        docs=DOCS,
        tests=TESTS + DEMO + DINO + JPEG + DATA + HEIF + TRACK + APP + EXPORT + DOCS,
    ),
)
