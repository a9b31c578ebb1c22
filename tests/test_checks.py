"""``check``: a case for every code, what is left out, and what the command prints."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import scenes
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.datasets.checks.chosen_codes import chosen
from detmetrics.datasets.checks.codes import CODES

ROOT = Path(__file__).parent.parent


def box(at: int, image: int = 1, category: int = 1, **changes) -> dict:
    x, y = 7 * at % 60, 5 * at % 40
    area = {"area": 8.0 * 9.0}
    row = {"id": at, "image_id": image, "category_id": category, "bbox": [x, y, 8, 9], "iscrowd": 0}
    return {**row, **area, **changes}


def document() -> dict:
    return {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 80} for n in (1, 2)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [box(n, 1 + n % 2, 1 + (n - 1) // 15) for n in range(1, 31)],
    }


def detections() -> list[dict]:
    return [
        {
            "image_id": row["image_id"],
            "category_id": row["category_id"],
            "bbox": row["bbox"],
            "score": row["id"] / 100,
        }
        for row in document()["annotations"]
    ]


def write(folder: Path, truth: dict, found: list | None = None) -> list[str]:
    paths = [folder / "truth.json", folder / "found.json"]
    paths[0].write_text(json.dumps(truth))
    if found is None:
        return [str(paths[0])]
    paths[1].write_text(json.dumps(found))
    return [str(path) for path in paths]


def truth_with(*path, value) -> dict:
    changed = document()
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def found_with(row: int, **changes) -> list[dict]:
    changed = detections()
    changed[row].update(changes)
    return changed


def all_found(change) -> list[dict]:
    return [{**row, **change(row)} for row in detections()]


def corners(row: dict) -> dict:
    x, y, w, h = row["bbox"]
    return {"bbox": [x, y, x + w, y + h]}


def shares(row: dict) -> dict:
    x, y, w, h = row["bbox"]
    return {"bbox": [x / 100, y / 80, w / 100, h / 80]}


A = "annotations"
TRUTHS = {
    "D002": (truth_with(A, 3, "area", value=-5), 1, "an area from 0 up, got -5"),
    "D001": (truth_with(A, 3, "bbox", value=[1, 2, 3]), 1, "annotations[3].bbox"),
    "D101": (truth_with(A, 3, "id", value=1), 1, "annotations[3].id"),
    "D102": (truth_with("images", 1, "id", value=1), 1, "images[1].id: 1"),
    "D103": (truth_with("categories", 1, "id", value=1), 1, "categories[1].id: 1"),
    "D104": (truth_with(A, 0, "image_id", value=9), 1, "annotations[0].image_id"),
    "D105": (truth_with(A, 0, "category_id", value=9), 1, "annotations[0].category_id"),
    "D106": (truth_with("images", 1, "file_name", value="1.jpg"), 2, "'1.jpg'"),
    "D107": (truth_with("categories", 1, "name", value="cat"), 2, "'cat'"),
    "D201": (truth_with(A, 2, "bbox", value=[0, float("nan"), 1, 1]), 1, "annotations[2].bbox"),
    "D202": (truth_with(A, 2, "bbox", value=[9, 9, -1, 1]), 1, "annotations[2].bbox"),
    "D203": (truth_with(A, 2, "bbox", value=[9, 9, 0, 1]), 1, "annotations[2].bbox"),
    "D204": (truth_with(A, 2, "bbox", value=[95, 9, 9, 9]), 1, "annotations[2].bbox"),
    "D205": (truth_with(A, 2, "bbox", value=[120, 9, 9, 9]), 1, "annotations[2].bbox"),
    "D206": ({**document(), A: [{**r, **corners(r)} for r in document()[A]]}, 30, "bbox"),
    "D207": ({**document(), A: [{**r, **shares(r)} for r in document()[A]]}, 30, "bbox"),
    "D208": (truth_with(A, 29, "bbox", value=[*document()[A][27]["bbox"][:3], 9.2]), 1, "bbox"),
    "D209": (truth_with(A, 29, "bbox", value=document()[A][27]["bbox"]), 1, "bbox"),
    "D210": (truth_with(A, 2, "area", value=500), 1, "annotations[2].area"),
    "D401": (
        truth_with("categories", value=[{"id": n, "name": str(n)} for n in (1, 2, 3)]),
        1,
        "3",
    ),
    "D402": (
        truth_with("images", value=[{"id": n, "width": 100, "height": 80} for n in (1, 2, 3)]),
        1,
        "3",
    ),
    "D403": (truth_with("images", 1, "width", value=None), 1, "2.jpg"),
    "D404": (truth_with(A, 2, "ignore", value=1), 1, "annotations[2].ignore"),
}
FOUND = {
    "D001": ({"a": 1}, 1, "expected a list of detections"),
    "D104": (found_with(0, image_id=9), 1, "[0].image_id"),
    "D105": (found_with(0, category_id=9), 1, "[0].category_id"),
    "D201": (found_with(0, bbox=[0, 0, float("inf"), 1]), 1, "[0].bbox"),
    "D206": (all_found(corners), 30, "[0].bbox"),
    "D207": (all_found(shares), 30, "[0].bbox"),
    "D301": (found_with(1, score=float("nan")), 1, "[1].score"),
    "D302": (found_with(1, score=1.5), 1, "[1].score"),
    "D303": (all_found(lambda row: {"score": 0.5}), 30, None),
    "D304": ([*detections(), detections()[4]], 1, "[30].bbox"),
    "D305": ([{**detections()[0], "score": n / 200} for n in range(130)], 30, "[0].bbox"),
    "D307": (found_with(0, bbox=[5, 5, -1, 2]), 1, "[0].bbox"),
    "D308": ([one for one in detections() if one["image_id"] == 1], 1, "2.jpg"),
}


def codes(report: dm.CheckReport) -> list[str]:
    return [found.code.code for found in report.findings]


def test_the_data_that_cases_change_is_clean(tmp_path):
    assert codes(dm.check(*write(tmp_path, document(), detections()))) == []


@pytest.mark.parametrize("code", TRUTHS)
def test_ground_truth(tmp_path, code):
    content, count, place = TRUTHS[code]
    report = dm.check(*write(tmp_path, content), select=[code])
    assert codes(report) == [code]
    assert report.findings[0].count == count
    assert any(place in text for text in report.findings[0].places)


@pytest.mark.parametrize("code", FOUND)
def test_detections(tmp_path, code):
    content, count, place = FOUND[code]
    report = dm.check(*write(tmp_path, document(), content), select=[code])
    assert codes(report) == [code]
    assert report.findings[0].count == count
    assert report.findings[0].source.endswith("found.json")
    if place is not None:
        assert any(place in text for text in report.findings[0].places)


def test_class_without_ground_truth(tmp_path):
    truth = truth_with("categories", value=[{"id": n, "name": f"c{n}"} for n in (1, 2, 3)])
    report = dm.check(*write(tmp_path, truth, found_with(0, category_id=3)), select=["D306"])
    assert codes(report) == ["D306"]
    assert report.findings[0].detail == "classes: c3"


def test_detections_of_a_part(tmp_path):
    content = document()
    content["images"] = [{"id": n, "width": 100, "height": 80} for n in range(1, 10)]
    content[A] = [box(n, n, 1) for n in range(1, 10)]
    report = dm.check(*write(tmp_path, content, detections()[:8]), select=["D308", "D309"])
    assert codes(report) == ["D309"]
    found = report.findings[0]
    assert (found.count, found.places[0], found.detail) == (7, "3", "of 9 images with objects")


def test_class_numbers_off_by_one(tmp_path):
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    table = tmp_path / "boxes.csv"
    table.write_text("image,class,x,y,w,h\n1,1,5,5,9,9\n2,2,5,5,9,9\n")
    reading = dm.Reading(class_names=tmp_path / "classes.txt")
    report = dm.check(table, reading=reading)
    assert codes(report)[0] == "D001"  # the reader refuses a class without a name
    assert "class 2, but 2 classes are named" in report.findings[0].places[0]
    truth = truth_with("categories", value=[{"id": n, "name": str(n)} for n in (0, 1, 2)])
    truth[A] = [{**row, "category_id": 1 + row["id"] % 2 * 2} for row in truth[A]]
    report = dm.check(*write(tmp_path, truth), select=["D108"])
    assert codes(report) == ["D108"]
    assert "class 0 has no object and class 3 has no name" in report.findings[0].detail


def test_off_by_one_of_detections_names_the_cause(tmp_path):
    found = all_found(lambda row: {"category_id": row["category_id"] - 1})
    report = dm.check(*write(tmp_path, document(), found), select=["D105"])
    assert "off by one" in report.findings[0].detail


def test_every_code_has_a_case():
    parts = {"D501", "D502", "D503"}
    files = {"D003", "D004", "D005", "D211", "D212"}  # in tests/formats
    outlines = {code for code in CODES if code.startswith("D6")}  # in test_checks_shapes.py
    assert {*TRUTHS, *FOUND, "D306", "D309", "D108", *parts, *files} == {*CODES} - outlines


def test_several_faults_are_all_found(tmp_path):
    content = copy.deepcopy(TRUTHS["D101"][0])
    content[A][5]["bbox"] = [9, 9, -1, 1]
    content["images"].append(content["images"][0])
    report = dm.check(*write(tmp_path, content))
    assert {"D101", "D102", "D202"} <= {*codes(report)}
    severities = [found.code.severity for found in report.findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


@pytest.mark.parametrize("truth", scenes.TRUTHS)
@pytest.mark.parametrize("found", scenes.FOUNDS)
@pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
def test_every_format_is_checked(tmp_path, truth, found):
    paths = scenes.TRUTHS[truth](tmp_path / "a"), scenes.FOUNDS[found](tmp_path / "b")
    reading = dm.Reading(
        class_names=None if truth in ("coco", "yolo") else scenes.CLASSES,
        image_sizes=scenes.size_table(tmp_path / "sizes.csv"),
    )
    report = dm.check(*paths, reading=reading)
    assert not [found for found in report.findings if found.code.severity == "error"]


# --- parts --------------------------------------------------------------------------------------


def part(folder: Path, name: str, images: list[int], classes=(1,)) -> Path:
    content = document()
    content["images"] = [{"id": n, "file_name": f"{n}.png"} for n in images]
    content[A] = [box(n, images[0], k) for n, k in enumerate(classes, 1)]
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


class TestParts:
    """No image in two parts, under its name or another."""

    def test_disjoint(self, tmp_path):
        paths = [part(tmp_path, name, [n]) for n, name in enumerate("abc", 1)]
        assert dm.check_parts(paths).findings == ()

    def test_shared_name(self, tmp_path):
        paths = [part(tmp_path, "a", [1, 2]), part(tmp_path, "b", [2, 3])]
        report = dm.check_parts(paths)
        assert codes(report) == ["D501"]
        assert report.findings[0].places == ("2.png",)

    def test_shared_content(self, tmp_path):
        folder = tmp_path / "images"
        folder.mkdir()
        for number, content in {1: (8, 8), 2: (9, 9), 3: (8, 8)}.items():
            (folder / f"{number}.png").write_bytes(scenes.png(*content))
        paths = [part(tmp_path, "a", [1]), part(tmp_path, "b", [2, 3])]
        report = dm.check_parts(paths, reading=dm.Reading(image_dir=folder))
        assert codes(report) == ["D502"]
        assert report.findings[0].places == ("3.png is 1.png",)

    def test_missing_class(self, tmp_path):
        paths = [part(tmp_path, "a", [1], (1, 2)), part(tmp_path, "b", [2], (1,))]
        report = dm.check_parts(paths)
        assert codes(report) == ["D503"]
        assert report.findings[0].places == ("dog",)

    def test_lists_of_images(self, tmp_path):
        scenes.images(tmp_path / "images")
        names = [f"images/{name}.png" for name in scenes.IMAGES]
        lists = [tmp_path / "train.txt", tmp_path / "val.txt"]
        lists[0].write_text("\n".join(names[:2]) + "\n")
        lists[1].write_text("\n".join(names[1:]) + "\n")
        report = dm.check_parts(lists)
        assert codes(report) == ["D501"]
        assert report.findings[0].places == (names[1],)

    def test_command(self, tmp_path):
        paths = [str(part(tmp_path, name, [1])) for name in "ab"]
        ran = CliRunner().invoke(cli, ["check", "--splits", *paths, "-q"])
        assert ran.exit_code == 1
        assert "D501 error" in ran.stdout
        assert CliRunner().invoke(cli, ["check", "--splits", paths[0]]).exit_code == 2


# --- the command --------------------------------------------------------------------------------


def run(*arguments: object):
    return CliRunner().invoke(cli, ["check", *map(str, arguments), "-q"])


class TestCommand:
    """Exit codes, selection, JSON, explanations."""

    def test_clean(self, tmp_path):
        paths = write(tmp_path, document(), detections())
        ran = run(*paths)
        assert (ran.exit_code, ran.stderr) == (0, "")
        assert ran.stdout == f"{paths[0]} and {paths[1]}: nothing found\n"

    def test_errors_give_exit_code_1_and_warnings_do_not(self, tmp_path):
        assert run(*write(tmp_path, TRUTHS["D101"][0])).exit_code == 1
        assert run(*write(tmp_path, TRUTHS["D203"][0])).exit_code == 0

    @pytest.mark.parametrize("options", [["--ignore", "D101"], ["--select", "D2,D3"]])
    def test_what_is_not_looked_for_does_not_count(self, tmp_path, options):
        ran = run(*write(tmp_path, TRUTHS["D101"][0]), *options)
        assert ran.exit_code == 0
        assert "D101" not in ran.stdout

    def test_text(self, tmp_path):
        ran = run(*write(tmp_path, TRUTHS["D206"][0]), "--select", "D206")
        lines = ran.stdout.splitlines()
        assert lines[0].startswith("D206 error          30  ")
        assert lines[0].endswith("boxes that seem to be corners where width and height are meant")
        assert lines[-1].endswith("detmetrics check --explain D206 says what to do")

    def test_json(self, tmp_path):
        ran = run(*write(tmp_path, TRUTHS["D101"][0]), "--json", "-")
        content = json.loads(ran.stdout)
        assert content["schema"] == 1
        assert content["counts"]["error"] == 1
        assert content["findings"][0]["code"] == "D101"
        assert content["findings"][0]["places"] == ["annotations[3].id"]

    def test_json_beside_the_text(self, tmp_path):
        target = tmp_path / "report.json"
        ran = run(*write(tmp_path, document()), "--json", target)
        assert json.loads(target.read_text())["findings"] == []
        assert "nothing found" in ran.stdout

    @pytest.mark.parametrize("code", CODES)
    def test_explain(self, code):
        ran = run("--explain", code.lower())
        assert ran.stdout.startswith(f"{code} ({CODES[code].severity}): ")
        assert "Cause: " in ran.stdout
        assert "Cure: " in ran.stdout

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "give ground truth"),
            (["a", "b", "c"], "give ground truth"),
            (["a", "--select", "X1"], "no check begins with 'X1'"),
            (["-", "-"], "standard input"),
            (["--explain", "D999"], "no code 'D999'"),
        ],
    )
    def test_wrong_usage(self, arguments, says):
        ran = run(*arguments)
        assert ran.exit_code == 2
        assert says in ran.stderr

    def test_no_such_file_is_a_finding(self, tmp_path):
        ran = run(tmp_path / "nowhere.json")
        assert ran.exit_code == 1
        assert "D001 error" in ran.stdout
        assert "no such file" in ran.stdout


def test_codes_are_documented():
    page = (ROOT / "docs" / "checks.md").read_text()
    for code in CODES.values():
        assert f"### {code.code}: {code.title}" in page
        assert code.cause in page.replace("\n", " ")
        assert code.cure in page.replace("\n", " ")


def test_chosen():
    assert chosen(["d5"]) == {"D501", "D502", "D503"}
    assert chosen([], ["D"]) == set()
    with pytest.raises(dm.InputError, match="no check begins with 'E'"):
        chosen(["E"])


class TestSuspicion:
    """Boxes that look like something else are remarked on in every evaluation."""

    @pytest.mark.parametrize(
        ("change", "says"), [(corners, "xmin ymin xmax ymax"), (shares, "shares of the image")]
    )
    def test_evaluate_warns(self, tmp_path, change, says):
        paths = write(tmp_path, document(), all_found(change))
        with pytest.warns(dm.DetmetricsWarning, match=says):
            result = dm.evaluate(*paths)
        assert any(says in note for note in result.attention)

    def test_corners_in_arrays(self):
        rows = document()[A]
        with pytest.warns(dm.DetmetricsWarning, match="boxes look like xmin ymin xmax ymax"):
            dm.GroundTruth.from_arrays(
                image_ids=[row["image_id"] for row in rows],
                categories=[row["category_id"] for row in rows],
                boxes=[corners(row)["bbox"] for row in rows],
            )

    def test_few_or_ordinary_boxes_are_left_alone(self, tmp_path):
        dm.evaluate(*write(tmp_path, document(), detections()))
        dm.evaluate(*write(tmp_path, document(), all_found(corners)[:5]))


def test_ids_that_are_texts_here_and_numbers_there_are_no_fault(tmp_path):
    truth = document()
    for row in truth[A]:
        row["image_id"] = str(row["image_id"])
    assert codes(dm.check(*write(tmp_path, truth, detections()))) == []


def test_shares_against_pixels_are_an_error_here_too(tmp_path):
    truth = scenes.yolo_truth(tmp_path / "a")
    for image in (truth / "images").iterdir():
        image.write_bytes(b"no image")
    report = dm.check(truth, scenes.coco_found(tmp_path / "b"))
    assert codes(report)[0] == "D002"
    assert "boxes are in pixels here and in shares" in report.findings[0].places[0]
