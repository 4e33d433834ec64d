"""What holds for the README and every page of docs/."""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

MOST_WORDS = 900
# An image or a link of Markdown; titles in quotes are not used here.
LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)\)')
# A file of the repository, as a command or a sentence names it; braces and placeholders are no names.
NAMED = re.compile(r'(?<![\w/.{}])((?:configs|docs|tests|tools)/[\w./+-]+\.(?:md|py|yaml))(?![\w{])')
SOURCES = ('focal_mmseg', 'tools', 'configs', 'tests')


def pages(root: Path) -> list[Path]:
    return [root / 'README.md', root / 'CHANGELOG.md', *sorted((root / 'docs').rglob('*.md'))]


def without_code(text: str) -> str:
    return re.sub(r'^```.*?^```', '', text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as Markdown's toc makes them."""
    found = set()
    for heading in re.findall(r'^#+ (.+)$', without_code(text), flags=re.MULTILINE):
        words = unicodedata.normalize('NFKD', re.sub(r'[`*]', '', heading)).encode('ascii', 'ignore').decode()
        found.add(re.sub(r'[-\s]+', '-', re.sub(r'[^\w\s-]', '', words).strip().lower()))
    return found


def broken_links(page: Path) -> list[str]:
    """The relative links and images of a page that lead to no file or no heading."""
    broken = []
    for target in LINK.findall(without_code(page.read_text(encoding='utf-8'))):
        if re.match(r'[a-z]+:', target):
            continue
        name, _, anchor = target.partition('#')
        file = page.parent / name if name else page
        if not file.is_file() or (anchor and anchor not in anchors(file.read_text(encoding='utf-8'))):
            broken.append(target)
    return broken


def test_every_link_and_image_resolves(root: Path) -> None:
    assert {page.name: broken_links(page) for page in pages(root) if broken_links(page)} == {}


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / 'other.md').write_text('# A heading: `with` code\n')
    page = tmp_path / 'page.md'
    page.write_text(
        '[a](other.md) [b](other.md#a-heading-with-code) [c](https://example.org/x)\n```\n[code](no.md)\n```\n'
        '[d](nowhere.md) ![e](no.png) [f](other.md#another) [g](#none)\n'
    )
    assert broken_links(page) == ['nowhere.md', 'no.png', 'other.md#another', '#none']


def test_the_readme_is_short(root: Path) -> None:
    assert len((root / 'README.md').read_text(encoding='utf-8').split()) < MOST_WORDS


def nav_pages(root: Path) -> list[str]:
    nav = (root / 'mkdocs.yml').read_text(encoding='utf-8').split('\nnav:\n')[1]
    return re.findall(r'(?:- |: )([\w/]+\.md)$', nav, flags=re.MULTILINE)


def test_the_navigation_names_every_page_once(root: Path) -> None:
    docs = root / 'docs'
    assert sorted(nav_pages(root)) == sorted(page.relative_to(docs).as_posix() for page in docs.rglob('*.md'))


def test_every_image_is_shown(root: Path) -> None:
    shown = {name.rsplit('/', 1)[-1] for page in pages(root) for name in LINK.findall(page.read_text(encoding='utf-8'))}
    assert {image.name for image in (root / 'docs' / 'images').iterdir()} <= shown


def test_the_reference_has_every_package(root: Path) -> None:
    text = '\n'.join(page.read_text(encoding='utf-8') for page in (root / 'docs' / 'api').glob('*.md'))
    covered = {name.split('.')[0] for name in re.findall(r'^::: focal_mmseg\.([\w.]+)$', text, flags=re.MULTILINE)}
    packages = {path.parent.name for path in (root / 'focal_mmseg').glob('*/__init__.py')}
    assert covered >= packages


def test_pages_that_the_code_names_exist(root: Path) -> None:
    missing = []
    files = [root / 'Makefile', root / 'setup.py', *(file for name in SOURCES for file in (root / name).rglob('*'))]
    for file in files:
        if file.suffix in ('.py', '.md', '.yaml') or file.name == 'Makefile':
            for name in NAMED.findall(file.read_text(encoding='utf-8')):
                if name.startswith('docs/') and not (root / name).is_file():
                    missing.append(f'{file.relative_to(root)}: {name}')
    assert missing == []


def test_files_that_the_docs_name_exist(root: Path) -> None:
    missing = {}
    # CHANGELOG.md names old places too.
    for page in (page for page in pages(root) if page.name != 'CHANGELOG.md'):
        names = set(NAMED.findall(page.read_text(encoding='utf-8')))
        # What readers write themselves begins so.
        names = {name for name in names if not Path(name).name.startswith('my_')}
        if absent := sorted(name for name in names if not (root / name).is_file()):
            missing[page.name] = absent
    assert missing == {}


def commands(text: str) -> list[str]:
    """The commands of a page that run a tool, each on one line."""
    blocks = re.findall(r'^```(?:bash)?\n(.*?)^```', text, flags=re.DOTALL | re.MULTILINE)
    lines = '\n'.join(blocks).replace('\\\n', ' ').splitlines()
    return [line.split('  #')[0] for line in lines if re.search(r'(?:python|\d) tools/', line)]


def test_commands_have_options_that_exist(root: Path) -> None:
    package = '\n'.join(path.read_text(encoding='utf-8') for path in (root / 'focal_mmseg').rglob('*.py'))
    unknown, seen = [], 0
    for page in pages(root):
        for command in commands(page.read_text(encoding='utf-8')):
            script, *words = command[command.index('tools/') :].split()
            if (root / script).is_file():
                known = (root / script).read_text(encoding='utf-8') + package
                unknown += [f'{page.name}: {script} {word}' for word in words if word[:2] == '--' and word not in known]
                seen += 1
    assert seen > 50
    assert unknown == []


def test_the_site_builds_without_a_warning(root: Path, tmp_path: Path) -> None:
    pytest.importorskip('mkdocs', reason="the extra 'docs' is not installed")
    command = (sys.executable, '-m', 'mkdocs', 'build', '--strict', '--quiet', '--site-dir', str(tmp_path / 'site'))
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    reference = (tmp_path / 'site' / 'api' / 'models.html').read_text(encoding='utf-8')
    assert 'FOCALHead' in reference and ':class:' not in reference
    assert not (tmp_path / 'site' / 'hooks.py').exists()
