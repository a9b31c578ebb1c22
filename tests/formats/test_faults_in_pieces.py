"""Faults of JSON are found piece by piece, and are those that parsing all of it finds."""

from __future__ import annotations

import json
import random
import re

import pytest

import detmetrics as dm
from detmetrics.formats.coco import documents
from detmetrics.formats.json import careful, parsing, pieces, records

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

ROW = {"image_id": 1, "category_id": 1, "bbox": [20.5, 30, 3, 4], "score": 0.5}
OBJECT = {
    "id": 1,
    "image_id": 1,
    "category_id": 1,
    "bbox": [20, 30, 3, 4],
    "area": 12,
    "iscrowd": 0,
}
CHANGES = {
    "text in bbox": ("bbox", ["left", 2, 3, 4]),
    "three numbers": ("bbox", [1, 2, 3]),
    "bbox is none": ("bbox", None),
    "list as id": ("image_id", [1]),
    "half as id": ("image_id", 1.5),
    "true as id": ("category_id", True),
    "large id": ("image_id", 2**70),
    "text as score": ("score", "high"),
    "infinite score": ("score", float("inf")),
    "NaN": ("bbox", [float("nan"), 2, 3, 4]),
    "infinite area": ("area", float("-inf")),
    "NaN in a field that is not read": ("note", [float("nan")]),
    "text that looks like it": ("note", "NaN and Infinity, 1e999"),
    "half a pair as id": ("image_id", "\ud800"),
    "half a pair in a field that is not read": ("note", "\udc00"),
    "a backslash before": ("note", "\\ud800"),
    "a gap between records": ("note", '"}, {"'),
    "an oriented box": ("obb", [9, 9, 4, 2, 0.3]),
    "a mask": ("segmentation", [[1, 1, 9, 1, 9, 9]]),
}


def document(rows: list[object]) -> dict[str, object]:
    images = [{"id": 1, "file_name": "a.jpg", "width": 90, "height": 90}]
    return {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": rows}


def changed(row: dict[str, object], name: str) -> dict[str, object]:
    field, value = CHANGES[name]
    return {**row, field: value}


def outcome(read, path) -> str:
    """What reading ends in, without the name of the file."""
    try:
        table = read(path)
    except dm.DetmetricsError as error:
        return f"{type(error).__name__}: {error}"
    return repr((table.boxes.tolist(), table.image.tolist(), table.shapes is None))


def both_ways(read, path, monkeypatch) -> tuple[str, str]:
    """With the search in pieces, and with parsing all of it."""
    quick = outcome(read, path)
    with monkeypatch.context() as patch:
        patch.setattr(records, "faults_in", lambda *_: None)
        patch.setattr(records, "refuse_malformed", lambda *_: False)
        patch.setattr(documents, "_refuse_wrong", lambda *_: None)
        return quick, outcome(read, path)


def found(path):
    return dm.read_detections(path, dm.GroundTruth.from_arrays(
        image_ids=[1], categories=[1], boxes=[[20, 30, 3, 4]]))  # fmt: skip


@pytest.fixture(params=[60, 400, 1 << 20])
def size(request, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", request.param)


@pytest.mark.usefixtures("size")
class TestTheSameFaults:
    """As parsing all of it says: same faults, same places, same count."""

    @pytest.mark.parametrize("places", [[0], [39], [5, 20], range(40)])
    @pytest.mark.parametrize("name", CHANGES)
    def test_of_detections(self, tmp_path, monkeypatch, name, places):
        rows = [changed(ROW, name) if row in places else ROW for row in range(40)]
        (path := tmp_path / "a.json").write_text(json.dumps(rows))
        quick, slow = both_ways(found, path, monkeypatch)
        assert quick == slow

    @pytest.mark.parametrize("places", [[0], [39], [5, 20], range(40)])
    @pytest.mark.parametrize("name", CHANGES)
    def test_of_ground_truth(self, tmp_path, monkeypatch, name, places):
        rows = [changed(OBJECT, name) if row in places else OBJECT for row in range(40)]
        rows = [row | {"id": number} for number, row in enumerate(rows)]
        (path := tmp_path / "a.json").write_text(json.dumps(document(rows)))
        quick, slow = both_ways(dm.read_ground_truth, path, monkeypatch)
        assert quick == slow

    def test_of_several_kinds(self, tmp_path, monkeypatch):
        random.seed(3)
        for _ in range(30):
            rows = [changed(ROW, random.choice([*CHANGES])) for _ in range(6)] + [ROW] * 20
            random.shuffle(rows)
            (path := tmp_path / "a.json").write_text(json.dumps(rows))
            quick, slow = both_ways(found, path, monkeypatch)
            assert quick == slow

    @pytest.mark.parametrize("row", ["7", "null", "[]", "{}", '"text"'])
    def test_of_no_record(self, tmp_path, monkeypatch, row):
        text = json.dumps([ROW] * 30)[:-1] + f", {row}]"
        (path := tmp_path / "a.json").write_text(text)
        quick, slow = both_ways(found, path, monkeypatch)
        assert quick == slow
        assert "[30]" in quick


@pytest.mark.usefixtures("size")
class TestTheSamePlace:
    """Of a text that is no JSON: line, column and words are those of Python's parser."""

    @pytest.mark.parametrize("whole", [list, document])
    @pytest.mark.parametrize("indent", [None, 1])
    def test_of_any_cut_and_any_byte(self, tmp_path, monkeypatch, whole, indent):
        rows = [OBJECT | {"score": 0.5, "note": "\u00e9"}] * 20
        data = json.dumps(whole(rows), indent=indent, ensure_ascii=False).encode()
        read = found if whole is list else dm.read_ground_truth
        random.seed(5)
        for _ in range(60):
            at = random.randrange(1, len(data))
            new = random.choice([b"", b",", b"\0", b"\xff", b"}", b'"', b"x", b"\\", b"NaN"])
            broken = data[:at] if random.random() < 0.3 else data[:at] + new + data[at + 1 :]
            (path := tmp_path / "a.json").write_bytes(broken)
            quick, slow = both_ways(read, path, monkeypatch)
            assert quick == slow, broken[max(0, at - 40) : at + 40]

    def test_is_found_from_a_record_near_it(self, monkeypatch):
        data = json.dumps([ROW] * 5000).encode()[:-1] + b",]"
        parsed = []
        decode = json.JSONDecoder().decode
        monkeypatch.setattr(
            parsing.json, "loads", lambda text: parsed.append(len(text)) or decode(text)
        )
        with pytest.raises(dm.FormatError, match=r"line 1, column [\d,]+: not JSON"):
            parsing.refuse_malformed(data, "a.json")
        assert parsed
        assert parsed[0] < 2 * parsing.WINDOW


def test_only_what_is_shown_is_parsed(tmp_path, monkeypatch):
    """Of a million wrong records ten are parsed for their sentences."""
    parsed = []

    def counted(text: bytes):
        parsed.append(text)
        return json.loads(text), []

    monkeypatch.setattr(careful, "pairs_of", counted)
    (path := tmp_path / "a.json").write_text(json.dumps([changed(ROW, "text as score")] * 3000))
    with pytest.raises(dm.FormatError, match="3,000 faults") as caught:
        found(path)
    assert len(parsed) == 10
    assert re.findall(r"\[(\d+)\]\.score: expected a number", str(caught.value)) == [
        str(row) for row in range(10)
    ]


@pytest.mark.parametrize("key", ["image_id", "bbox", "score"])
def test_keys_that_all_records_have_twice_are_counted(tmp_path, key):
    text = json.dumps(ROW)[:-1] + f', "{key}": {json.dumps(ROW[key])}}}'
    (path := tmp_path / "a.json").write_text(f"[{', '.join([text] * 500)}]")
    with pytest.raises(dm.FormatError, match="500 faults") as caught:
        found(path)
    assert f"[9]: the key '{key}' is there 2 times" in str(caught.value)
