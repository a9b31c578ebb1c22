"""Keys that a JSON object has twice: refused where they decide, and all of them found by check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from profiles import examples
from real_data import real_data

import detmetrics as dm
from detmetrics.formats.json import pieces as json_pieces
from detmetrics.formats.json.repeated_keys import RepeatedKeyError, repeated_keys

ROW = '{"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "score": 0.9}'
OBJECT = (
    '{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, '
    '"iscrowd": 0}'
)
DOCUMENT = (
    '{"info": {"id": 7, "name": "x"}, "licenses": [{"id": 1, "name": "CC", "url": "u"}], "images": '
    '[{"id": 1, "file_name": "a.jpg", "width": 100, "height": 90}, {"id": 2, "file_name": "b.jpg", '
    '"width": 100, "height": 90}], "categories": [{"id": 1, "name": "cat"}], "annotations": '
    f"[{OBJECT}, {OBJECT.replace('1', '2', 1)}]}}"
)
POLYGON = '"segmentation": [[10, 10, 30, 10, 30, 30]]'
EXTRA = ROW.replace("{", '{"id": 5, ')
SHAPED = ROW.replace("}", f", {POLYGON}}}")
TURNED = '{"image_id": 1, "category_id": 1, "score": 0.9, "poly": [1, 1, 9, 1, 9, 9, 1, 9]}'
NAMED = ROW.replace("{", '{"file_name": "a.jpg", ')


def read(folder: Path, found: str, truth: str = DOCUMENT, name: str = "found.json"):
    (folder / "truth.json").write_text(truth)
    (folder / name).write_text(found)
    table = dm.read_ground_truth(folder / "truth.json")
    return dm.read_detections(folder / name, table)


def refused(folder: Path, found: str = f"[{ROW}]", truth: str = DOCUMENT, name="found.json") -> str:
    with pytest.raises(RepeatedKeyError) as caught:
        read(folder, found, truth, name)
    return str(caught.value)


def again(text: str, key: str, value: str) -> str:
    return text.replace("{", f'{{"{key}": {value}, ', 1)


class TestDetections:
    """Of a list, whatever else its rows hold."""

    @pytest.mark.parametrize(
        "row", [ROW, EXTRA, SHAPED, NAMED], ids=["plain", "more", "mask", "name"]
    )
    @pytest.mark.parametrize(
        ("key", "value"),
        [("score", "0.1"), ("bbox", "[0, 0, 1, 1]"), ("image_id", "2"), ("category_id", "1")],
    )
    def test_a_key_twice(self, tmp_path, row, key, value):
        found = f"[{row}, {again(row, key, value)}, {row}]"
        assert f"found.json: [1]: the key '{key}' is there 2 times" in refused(tmp_path, found)

    @pytest.mark.parametrize("at", [0, 2, -1])
    @pytest.mark.parametrize("both", [False, True])
    @pytest.mark.parametrize("key", ["score", "bbox", "image_id", "category_id"])
    @pytest.mark.parametrize("row", [ROW, EXTRA, SHAPED, NAMED])
    def test_written_with_an_escape(self, tmp_path, row, key, both, at):
        """Parsers read the same key, and a search for it in the text does not find it."""
        hidden = key.replace(key[at], f"\\u{ord(key[at]):04x}")
        value = {"bbox": "[0, 0, 1, 1]"}.get(key, "1")
        once = row.replace(f'"{key}"', f'"{hidden}"')
        assert len(read(tmp_path, f"[{once}, {once}]")) == 2
        twice = again(once if both else row, hidden, value)
        found = refused(tmp_path, f"[{row}, {twice}, {row}]")
        assert f"found.json: [1]: the key '{key}' is there 2 times" in found

    @pytest.mark.parametrize("row", [ROW, EXTRA])
    def test_with_spaces(self, tmp_path, row):
        spaced = row.replace(":", " : ")
        assert len(read(tmp_path, f"[{spaced}, {spaced}]")) == 2
        found = f"[{spaced}, {again(spaced, 'score', '0.1')}]"
        assert "[1]: the key 'score'" in refused(tmp_path, found)

    def test_oriented(self, tmp_path):
        poly = "[1, 1, 9, 1, 9, 9, 1, 9]"
        found = f"[{TURNED}, {again(TURNED, 'poly', poly)}]"
        assert "[1]: the key 'poly'" in refused(tmp_path, found, name="predictions.json")

    def test_a_document_with_scores(self, tmp_path):
        scored = DOCUMENT.replace('"iscrowd": 0', '"score": 0.5')
        assert len(read(tmp_path, scored)) == 2
        twice = scored.replace('"score": 0.5', '"score": 0.5, "score": 0.4', 1)
        assert "annotations[0]: the key 'score'" in refused(tmp_path, twice)

    def test_counted_through_all_pieces(self, tmp_path, monkeypatch):
        monkeypatch.setattr(json_pieces, "PIECE", 200)
        rows = [EXTRA] * 20
        rows[3] = rows[17] = again(EXTRA, "score", "0.1")
        said = refused(tmp_path, f"[{', '.join(rows)}]")
        assert "2 faults" in said
        assert "[17]: the key 'score'" in said

    def test_others_are_not_read(self, tmp_path):
        assert len(read(tmp_path, f"[{again(again(ROW, 'note', '1'), 'note', '2')}]")) == 1


class TestGroundTruth:
    """Of a document."""

    @pytest.mark.parametrize("section", ["annotations", "images", "categories"])
    def test_a_section_twice(self, tmp_path, section):
        truth = f'{DOCUMENT[:-1]}, "{section}": []}}'
        assert f"truth.json: the key '{section}' is there 2 times" in refused(tmp_path, truth=truth)

    @pytest.mark.parametrize("section", ["annotations", "images", "categories"])
    def test_a_section_twice_with_an_escape(self, tmp_path, section):
        hidden = f"\\u{ord(section[0]):04x}{section[1:]}"
        truth = f'{DOCUMENT[:-1]}, "{hidden}": []}}'
        assert f"truth.json: the key '{section}' is there 2 times" in refused(tmp_path, truth=truth)

    @pytest.mark.parametrize("both", [False, True])
    @pytest.mark.parametrize(
        "key", ["area", "iscrowd", "ignore", "id", "image_id", "bbox", "segmentation"]
    )
    def test_a_key_twice_with_an_escape(self, tmp_path, key, both):
        value = {"bbox": "[0, 0, 1, 1]", "segmentation": "[]"}.get(key, "1")
        hidden = f"\\u{ord(key[0]):04x}{key[1:]}"
        first = OBJECT
        if f'"{key}"' not in first:
            first = again(first, key, value)
        first = again(first.replace(f'"{key}"', f'"{hidden}"') if both else first, hidden, value)
        truth = DOCUMENT.replace(OBJECT, first, 1)
        assert f"annotations[0]: the key '{key}' is there 2 times" in refused(tmp_path, truth=truth)

    @pytest.mark.parametrize(
        ("old", "new", "place"),
        [
            ('"area": 400', '"area": 1, "area": 400', "annotations[0]: the key 'area'"),
            ('"iscrowd": 0', '"iscrowd": 1, "iscrowd": 0', "annotations[0]: the key 'iscrowd'"),
            ('"image_id": 1', '"image_id": 2, "image_id": 1', "annotations[0]: the key 'image_id'"),
            ('"bbox"', '"bbox": [1, 1, 1, 1], "bbox"', "annotations[0]: the key 'bbox'"),
            ('{"id": 1, "file', '{"id": 2, "id": 1, "file', "images[0]: the key 'id'"),
            ('"width": 100', '"width": 1, "width": 100', "images[0]: the key 'width'"),
            ('"name": "cat"', '"name": "dog", "name": "cat"', "categories[0]: the key 'name'"),
        ],
    )
    def test_a_key_twice(self, tmp_path, old, new, place):
        assert DOCUMENT.count(old)
        assert place in refused(tmp_path, truth=DOCUMENT.replace(old, new, 1))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('"name": "x"', r'"name": "\"bbox\": \"annotations\": \"id\":"'),
            ('"name": "x"', '"name": "annotations", "images": "id"'),
            ('"a.jpg"', '"annotations"'),
            ('"area": 400', '"area": null, "ignore": null'),
            ('"area": 400', '"attributes": {"id": 1, "bbox": 2, "score": 3}'),
            ('"url": "u"', '"licenses": [{"id": 1}]'),
            ('"iscrowd": 0', '"iscrowd": 0, "note": 1, "note": 2'),
        ],
    )
    def test_texts_and_other_objects_may_hold_the_key(self, tmp_path, old, new):
        assert len(read(tmp_path, f"[{ROW}]", DOCUMENT.replace(old, new, 1))) == 1


def test_a_file_that_is_read_with_care(tmp_path):
    """Where the fast decoder refuses a row, the slow one sees keys too."""
    broken = ROW.replace("0.9", '"high"')
    said = refused(tmp_path, f"[{broken}, {again(ROW, 'score', '0.1')}]")
    assert "[1]: the key 'score'" in said


def test_hierarchy(tmp_path):
    path = tmp_path / "tree.json"
    path.write_text('{"LabelName": "r", "Subcategory": [{"LabelName": "cat", "LabelName": "dog"}]}')
    (tmp_path / "truth.json").write_text(DOCUMENT)
    with pytest.raises(RepeatedKeyError, match=r"Subcategory\[0\]: the key 'LabelName'"):
        dm.read_ground_truth(tmp_path / "truth.json", dm.Reading(hierarchy=path))


class TestCheck:
    """Finds all of them, wherever they are."""

    def codes(self, folder: Path, truth: str, found: str = f"[{ROW}]") -> dict[str, int]:
        (folder / "truth.json").write_text(truth)
        (folder / "found.json").write_text(found)
        report = dm.check(folder / "truth.json", folder / "found.json", select=["D0"])
        return {one.code.code: one.count for one in report.findings}

    def test_nothing(self, tmp_path):
        assert self.codes(tmp_path, DOCUMENT) == {}

    def test_in_ground_truth(self, tmp_path):
        truth = DOCUMENT.replace('"area": 400', '"area": 1, "area": 400')
        assert self.codes(tmp_path, truth) == {"D004": 2}

    def test_in_detections(self, tmp_path):
        assert self.codes(tmp_path, DOCUMENT, f"[{again(ROW, 'score', '0.1')}]") == {"D004": 1}

    def test_what_is_not_read(self, tmp_path):
        truth = DOCUMENT.replace('"url": "u"', '"url": "u", "url": "v"')
        assert self.codes(tmp_path, truth) == {"D005": 1}


KEYS = st.sampled_from(["score", "bbox", "image_id", "category_id", "id", "note", "area"])


class TestLaw:
    """A list is refused exactly where a row has a key twice that is read."""

    @example([["id"], ["score"]], False)
    @example([["id", "id"], ["score", "score", "id"]], False)
    @given(st.lists(st.lists(KEYS, max_size=3), min_size=1, max_size=5), st.booleans())
    def test_any_list(self, tmp_path_factory, more, spaced):
        values = {"score": "0.5", "bbox": "[1, 1, 2, 2]", "image_id": "1", "category_id": "1"}
        rows = []
        for extra in more:
            pairs = [*values.items(), *((key, values.get(key, '"\\"score\\":"')) for key in extra)]
            colon = " : " if spaced else ":"
            rows.append("{" + ", ".join(f'"{key}"{colon}{value}' for key, value in pairs) + "}")
        text = f"[{','.join(rows)}]"
        folder = tmp_path_factory.mktemp("keys")
        if any(set(extra) & values.keys() for extra in more):
            refused(folder, text)
        else:
            assert len(read(folder, text)) == len(rows)


def test_repeated_keys_names_the_place():
    text = b'{"a": [{"b": 1, "b": 2}, {"c": {"d": 1, "d": 1, "d": 1}}], "a": [{"b": 1, "b": 2}]}'
    found = [(one.place, one.key, one.times) for one in repeated_keys(text)]
    assert found == [("", "a", 2), ("a[0]", "b", 2)]


@pytest.mark.parametrize(
    ("truth", "found"),
    [("dupsect_g.json", "good_d.json"), ("good_g.json", "dupkeys_d.json")],
)
def test_the_example(truth, found):
    folder = real_data("hostile/07-double-keys")
    with pytest.raises(RepeatedKeyError, match="expected once"):
        dm.evaluate(folder / truth, folder / found)
    assert dm.evaluate(folder / "good_g.json", folder / "good_d.json").scalars()["AP"] == (
        pytest.approx(1)
    )


def test_real_files_are_not_refused():
    folder = real_data("coco_val2014_100")
    for path in sorted(folder.glob("*.json")):
        assert not repeated_keys(path.read_bytes())
        json.loads(path.read_bytes())


@pytest.mark.parametrize("lacking", [["area"], ["iscrowd"], ["id"], ["area", "iscrowd", "id"]])
@pytest.mark.parametrize("twice", ["bbox", "image_id", "category_id", "area"])
@pytest.mark.parametrize("where", [0, 2])
def test_an_object_that_lacks_a_key_hides_none_that_has_one_twice(tmp_path, lacking, twice, where):
    """As often as objects is not once in each."""
    values = {"id": "{}", "image_id": "1", "category_id": "1", "bbox": "[1, 1, 5, 5]"}
    values |= {"area": "25", "iscrowd": "0"}
    rows = []
    for row in range(3):
        pairs = list(values.items())
        if row == where:
            pairs.append((twice, values[twice]))
        elif row == 1:
            pairs = [pair for pair in pairs if pair[0] not in lacking]
        text = ", ".join(f'"{key}": {value}' for key, value in pairs)
        rows.append("{" + text.replace("{}", str(row)) + "}")
    images = '[{"id": 1, "file_name": "a.jpg", "width": 99, "height": 99}]'
    path = tmp_path / "truth.json"
    path.write_text(
        f'{{"images": {images}, "categories": [{{"id": 1, "name": "x"}}], '
        f'"annotations": [{", ".join(rows)}]}}'
    )
    with pytest.raises(RepeatedKeyError):
        dm.read_ground_truth(path)


FIELDS = {
    "images": {"id": "1", "file_name": '"a.jpg"', "width": "100", "height": "90"},
    "annotations": {
        "id": "1",
        "image_id": "1",
        "category_id": "1",
        "bbox": "[10, 10, 20, 20]",
        "area": "400",
        "iscrowd": "0",
        "ignore": "0",
    },
    "categories": {"id": "1", "name": '"id"', "supercategory": '"width"'},
}
OPTIONAL = ("file_name", "width", "height", "area", "iscrowd", "ignore", "supercategory")
OTHERS = {
    "videos": '[{"id": 1, "name": "v", "width": 9, "height": 9}]',
    "info": '{"id": 7, "area": "id"}',
    "licenses": '[{"id": 1, "name": "id", "url": "u"}]',
}


@st.composite
def spelled(draw, key: str) -> str:
    """A key and its colon, in one of the ways that mean the same."""
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(key) - 1))
        key = f"{key[:at]}\\u{ord(key[at]):04x}{key[at + 1 :]}"
    return f'"{key}"{draw(st.sampled_from(["", "", "", " ", chr(10), chr(9)]))}:'


@st.composite
def record(draw, section: str, number: int) -> tuple[str, bool]:
    """A record, and whether it has a key twice."""
    fields = {**FIELDS[section], "id": str(number)}
    keys = [key for key in fields if key not in OPTIONAL or draw(st.booleans())]
    again = draw(st.lists(st.sampled_from(keys), max_size=1)) if draw(st.booleans()) else []
    parts = []
    for key in draw(st.permutations([*keys, *again])):
        null = key in OPTIONAL and draw(st.integers(0, 4)) == 0
        parts.append(f"{draw(spelled(key))} {'null' if null else fields[key]}")
    return f"{{{', '.join(parts)}}}", bool(again)


@st.composite
def documents(draw) -> tuple[str, bool]:
    """A document with sections that nobody reads, and whether a record has a key twice."""
    parts, twice = [], False
    for section in FIELDS:
        count = draw(st.integers(1, 3)) if section == "annotations" else 1
        rows = [draw(record(section, number)) for number in range(1, count + 1)]
        twice = twice or any(again for _, again in rows)
        parts.append(f"{draw(spelled(section))} [{', '.join(row for row, _ in rows)}]")
    others = draw(st.lists(st.sampled_from([*OTHERS]), unique=True))
    parts += [f'"{name}": {OTHERS[name]}' for name in others]
    return f"{{{', '.join(draw(st.permutations(parts)))}}}", twice


@examples(150)
@given(made=documents())
def test_any_document(tmp_path_factory, made):
    """Refused where a record has a key twice, however it is written, and only there."""
    text, twice = made
    path = tmp_path_factory.mktemp("any") / "truth.json"
    path.write_text(text)
    if not twice:
        assert len(dm.read_ground_truth(path))
        return
    with pytest.raises(RepeatedKeyError, match="is there 2 times"):
        dm.read_ground_truth(path)


@pytest.mark.parametrize("gap", [" ", "\t", "\n", "   "])
@pytest.mark.parametrize("key", ["score", "bbox", "image_id", "category_id"])
@pytest.mark.parametrize("row", [ROW, EXTRA, SHAPED, NAMED])
def test_a_key_twice_once_with_a_gap(tmp_path, row, key, gap):
    value = {"bbox": "[0, 0, 1, 1]"}.get(key, "1")
    twice = again(row, key, value).replace(f'"{key}":', f'"{key}"{gap}:', 1)
    assert f"[1]: the key '{key}' is there 2 times" in refused(tmp_path, f"[{row}, {twice}]")
