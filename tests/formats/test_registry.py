"""A package adds a format: the example of the documentation, installed and used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from guards import PATIENCE

import detmetrics as dm
from detmetrics.formats import Format, formats, packages, registry
from detmetrics.formats.given import Given
from detmetrics.formats.package_scan import may_add_formats
from detmetrics.formats.registry import recognised
from detmetrics.foundation.errors import DetmetricsWarning, FormatError

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "formats.md").read_text()
CODE, TOML = (
    re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
    for kind in ("python", "toml")
)


@pytest.fixture
def installed(tmp_path) -> dict[str, str]:
    """The environment in which the example is an installed package."""
    packages = tmp_path / "packages"
    metadata = packages / "detmetrics_visdrone-1.0.dist-info"
    metadata.mkdir(parents=True)
    name = re.match(r'"""(\w+\.py)"""', CODE)[1]
    (packages / name).write_text(CODE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: detmetrics-visdrone\n")
    points = tomllib.loads(TOML)["project"]["entry-points"]["detmetrics.formats"]
    lines = [f"{key} = {value}" for key, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[detmetrics.formats]", *lines, ""]))
    return {**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"}


def run(
    environment: dict[str, str], *arguments: object, warnings: str = "error"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", warnings, "-m", "detmetrics", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.fixture
def data(tmp_path) -> tuple[Path, Path]:
    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "a.txt").write_text("10,10,50,40,1,4,0,0\n100,10,30,30,1,1,0,1\n")
    (folder / "b.txt").write_text("5,5,20,20,0,1,0,0\n")
    found = tmp_path / "found.json"
    rows = [
        {"image_id": "a", "category_id": 4, "bbox": [10, 10, 50, 40], "score": 0.9},
        {"image_id": "a", "category_id": 1, "bbox": [100, 10, 30, 30], "score": 0.8},
    ]
    found.write_text(json.dumps(rows))
    return folder, found


def test_evaluate_knows_it(installed, data):
    ran = run(installed, "evaluate", *data, "--ignore", "honour", "--json", "-")
    assert ran.returncode == 0, ran.stderr
    assert (
        "read as VisDrone text files (visdrone): lines of eight numbers with commas" in ran.stderr
    )
    content = json.loads(ran.stdout)
    assert content["metrics"]["AP50"] == pytest.approx(1)
    assert content["inputs"][0]["format"] == "visdrone"


def test_its_faults_name_the_place(installed, data):
    (data[0] / "b.txt").write_text("5,5,-20,20,0,1,0,0\n")
    ran = run(installed, "evaluate", *data)
    assert ran.returncode == 1
    assert "b.txt:1: boxes" in ran.stderr
    (data[0] / "b.txt").write_text("5,5,-20,20\n")
    assert "b.txt:1: expected 8 numbers, got 4 numbers" in run(installed, "evaluate", *data).stderr


@pytest.mark.parametrize("command", [["formats"], ["check"], ["stats"], ["convert"]])
def test_the_other_commands_know_it(installed, data, tmp_path, command):
    if command == ["formats"]:
        assert "VisDrone text files" in run(installed, "formats").stdout
        return
    arguments = [data[0], tmp_path / "out", "--to", "coco"] if command == ["convert"] else [data[0]]
    ran = run(installed, *command, *arguments)
    assert ran.returncode == 0, ran.stderr
    assert "visdrone" in ran.stderr


def _none(given, side):
    return None


def _raises(*_):
    raise ValueError("cannot\x1b[31m do")


def _refuses(*_):
    raise dm.InputError("cannot")


def _exits(*_):
    sys.exit(7)


class _Package:
    name = "their-formats"


class _Entry:
    name, dist = "mine", _Package

    def __init__(self, load):
        self.load = load


@pytest.fixture
def only(monkeypatch):
    """Make this the only thing that other packages add."""

    def add(load):
        monkeypatch.setattr(registry, "may_add_formats", lambda: True)
        monkeypatch.setattr(packages, "entry_points", lambda group: [_Entry(load)])
        forget()

    def forget():
        formats.cache_clear()
        registry._of_packages.cache_clear()

    yield add
    forget()


def test_a_package_that_raises_when_imported_is_named_and_the_rest_goes_on(installed, data):
    folder, _ = data
    module = next(Path(installed["PYTHONPATH"].split(os.pathsep)[0]).glob("*.py"))
    module.write_text("import no_such_module\n")
    truth = folder.parent / "truth.json"
    truth.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    ran = run(installed, "stats", truth, warnings="ignore")
    assert ran.returncode == 0, ran.stderr
    assert "format 'visdrone' of package detmetrics-visdrone is left out" in ran.stderr
    assert "ModuleNotFoundError: No module named 'no_such_module'" in ran.stderr


@pytest.mark.parametrize(
    ("load", "says"),
    [
        (lambda: "text", "expected a Format, got 'text'"),
        (lambda: Format(name="coco", title="x", recognise=_none), "another format is called"),
        (lambda: Format(name=["x"], title="x", recognise=_none), "expected a name as text"),
        (lambda: Format(name=None, title="x", recognise=_none), "expected a name as text"),
        (lambda: sys.exit(3), "it raises SystemExit: 3 when it is imported"),
        (_raises, r"it raises ValueError: cannot\\x1b[31m do when it is imported"),
    ],
)
def test_what_is_no_format_is_left_out_with_its_package(only, load, says):
    only(load)
    start = "format 'mine' of package their-formats is left out: "
    with pytest.warns(DetmetricsWarning, match=re.escape(start + says.replace("\\\\", "\\"))):
        assert formats() == tuple(known.load() for known in registry.BUILT_IN)


@pytest.mark.parametrize(
    ("recognise", "says"),
    [
        (_raises, "it raises ValueError.* when it looks at"),
        (_refuses, "it raises InputError: cannot when it looks at"),
        (_exits, "it raises SystemExit: 7 when it looks at"),
        (lambda *_: 7, "expected None or text of what it knows, got 7"),
    ],
)
def test_a_format_that_fails_as_it_looks_is_left_out(only, tmp_path, recognise, says):
    only(lambda: Format(name="mine", title="x", recognise=recognise, read_ground_truth=_raises))
    (tmp_path / "a.txt").write_text("0 .5 .5 .1 .1\n")
    with pytest.warns(DetmetricsWarning, match=says):
        assert recognised(Given(str(tmp_path)), "ground truth")[0].name == "yolo"


WHOSE = "format 'mine' of package their-formats"


@pytest.mark.parametrize(
    ("read", "says"),
    [
        (_raises, "raises ValueError: cannot"),
        (_exits, "raises SystemExit: 7"),
        (_none, "expected a Sheet of what is read, got None"),
    ],
)
def test_a_reader_that_fails_is_one_error_with_its_package(only, tmp_path, read, says):
    only(lambda: Format(name="mine", title="x", recognise=_none, read_ground_truth=read))
    with pytest.raises(FormatError, match=f"{WHOSE}.*{says}"):
        dm.read_ground_truth(tmp_path, dm.Reading(gt_format="mine"))


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (_raises, r"raises ValueError: cannot\\x1b\[31m do when it writes"),
        (_exits, "raises SystemExit: 7 when it writes"),
        (lambda _: None, "expected Written files, got None"),
    ],
)
def test_a_writer_that_fails_is_one_error_with_its_package(only, tmp_path, write, says):
    only(lambda: Format(name="mine", title="x", recognise=_none, write_ground_truth=write))
    with pytest.raises(dm.OutputError, match=f"{WHOSE}.*{says}"):
        dm.convert("fixtures/ground_truth.json", tmp_path / "made", to="mine")
    assert not (tmp_path / "made").exists()


def test_formats_of_our_own_have_the_names_that_the_registry_knows_them_by():
    assert [known.load().name for known in registry.BUILT_IN] == [k.name for k in registry.BUILT_IN]


def last_line_of(code: str) -> str:
    """What code prints last in a fresh process."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()[-1]


def test_json_imports_no_reader_of_other_files():
    """Most of a start is imports."""
    code = (
        "import sys; before = {*sys.modules}; import detmetrics as dm; "
        "dm.evaluate('fixtures/ground_truth.json', 'fixtures/detections.json').summary; "
        "print(*sorted({*sys.modules} - before))"
    )
    loaded = {*last_line_of(code).split()}
    assert "detmetrics.formats.coco.coco" in loaded
    heavy = {"importlib.metadata", "pandas", "pycocotools", "hashlib", "tomllib", "difflib"}
    others = {"csv_parquet", "yolo.yolo", "voc.voc", "kitti", "dota.dota", "text_lines"}
    shapes = {"masks.masks", "masks.boundary_iou", "polygons.probiou"}
    assert not loaded & (heavy | {f"detmetrics.formats.{name}" for name in others})
    assert not loaded & {f"detmetrics.overlap.{name}" for name in shapes}
    assert "detmetrics.evaluation.misreadings.search" not in loaded


def test_the_command_imports_no_masked_arrays():
    """They are a tenth of its imports; unique rows, medians and quantiles of NumPy ask for them."""
    code = (
        "import sys; from detmetrics.cli import cli; "
        "cli(['evaluate', 'fixtures/ground_truth.json', 'fixtures/detections.json'], "
        "standalone_mode=False); print('numpy.ma' in sys.modules)"
    )
    assert last_line_of(code) == "False"


@pytest.mark.parametrize(
    "folder", ["x-1.0.dist-info", "X-1.0.DIST-INFO", "x.egg-info", "x.egg/EGG-INFO"]
)
def test_every_kind_of_package_that_python_finds_is_found(tmp_path, monkeypatch, folder):
    metadata = tmp_path / folder
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: x\n")
    (metadata / "entry_points.txt").write_text("[detmetrics.formats]\nmine = x:FORMAT\n")
    home = tmp_path / "x.egg" if ".egg/" in folder else tmp_path
    monkeypatch.setattr(sys, "path", [])
    assert not may_add_formats()
    monkeypatch.setattr(sys, "path", [str(home)])
    assert [one.name for one in entry_points(group="detmetrics.formats")] == ["mine"]
    assert may_add_formats()


def test_an_archive_may_hold_a_package(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("x-1.0.dist-info/entry_points.txt", "[detmetrics.formats]\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "x.zip"), str(tmp_path / "gone")])
    assert may_add_formats()
