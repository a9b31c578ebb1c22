"""Files that are broken, odd or malicious: one message with file and place, never anything else.

Every test here ends in a table or in an ``InputError`` that names the file.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import subprocess
import sys

import builders
import pytest
import scenes
from builders import Raw, changed, detection, detections, document, evaluate, write
from click.testing import CliRunner
from guards import PATIENCE
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.formats.json import pieces as json_pieces
from detmetrics.foundation import inputs

SIDES = pytest.mark.parametrize("side", ["truth", "found"])


def refused(folder, side: str, content) -> str:
    """The message on this content in place of one of the two files; it names that file."""
    written = write(folder, **{side: content})
    with pytest.raises(dm.InputError) as caught:
        dm.evaluate(*written)
    text = str(caught.value)
    assert text.startswith(f"{getattr(written, side)}: "), text
    assert "\x00" not in text
    assert len(text) < 2_000, f"a message of {len(text)} characters"
    return text


# --- not JSON at all -----------------------------------------------------------------------------


TEXT = {"truth": json.dumps(document(), indent=1), "found": json.dumps(detections(), indent=1)}
PACKED = {side: gzip.compress(text.encode(), mtime=0) for side, text in TEXT.items()}


class TestTruncated:
    """A file cut off anywhere is refused, and the message asks whether it was."""

    @SIDES
    def test_at_every_byte(self, tmp_path, side):
        text = TEXT[side]
        for end in range(1, len(text)):
            assert "line " in refused(tmp_path, side, text[:end])

    @SIDES
    def test_asks_whether_it_was_cut_off(self, tmp_path, side):
        for end in (1, 20, len(TEXT[side]) // 2, len(TEXT[side]) - 2):
            assert "was it cut off?" in refused(tmp_path, side, TEXT[side][:end])

    @SIDES
    def test_names_the_line(self, tmp_path, side):
        lines = TEXT[side].splitlines()
        assert f"line {len(lines) - 1}, " in refused(tmp_path, side, "\n".join(lines[:-1]))

    @SIDES
    def test_with_something_behind_the_end(self, tmp_path, side):
        assert "Extra data" in refused(tmp_path, side, TEXT[side] + "]")

    def test_inside_a_character(self, tmp_path):
        data = json.dumps(document(images=[builders.image(1, "é")]), ensure_ascii=False).encode()
        cut = data.index("é".encode()) + 1
        assert "UTF-8" in refused(tmp_path, "truth", data[:cut])


class TestEmpty:
    """Nothing to read, or nothing that could be read."""

    @SIDES
    @pytest.mark.parametrize(
        "content", [b"", b" \n\t\r\n", gzip.compress(b"", mtime=0), gzip.compress(b" ", mtime=0)]
    )
    def test_no_content(self, tmp_path, side, content):
        assert refused(tmp_path, side, content).endswith("the file is empty")

    @SIDES
    def test_byte_order_mark_alone(self, tmp_path, side):
        refused(tmp_path, side, b"\xef\xbb\xbf")

    @SIDES
    def test_zeros(self, tmp_path, side):
        refused(tmp_path, side, bytes(1000))


def outcome(truth, found) -> str:
    with pytest.raises(dm.FormatError) as caught:
        dm.evaluate(truth, found)
    return str(caught.value)


class TestNoFile:
    """A path that is no file."""

    def test_missing(self, tmp_path):
        written = write(tmp_path)
        nowhere = tmp_path / "nowhere.json"
        assert outcome(nowhere, written.found) == f"{nowhere}: no such file"
        assert outcome(written.truth, nowhere) == f"{nowhere}: no such file"

    def test_below_a_file(self, tmp_path):
        written = write(tmp_path)
        below = written.truth / "below.json"
        assert outcome(written.truth, below).startswith(f"{below}: cannot be read: ")

    def test_directory(self, tmp_path):
        written = write(tmp_path)
        said = outcome(tmp_path, written.found)
        assert said.startswith(f"{tmp_path}: no format of ground truth is known")
        assert "a folder with 2 files of the kinds json" in said
        written.found.unlink()
        said = outcome(tmp_path, written.truth)
        assert f"give the file in it: {written.truth}; known are" in said
        empty = tmp_path / "empty"
        empty.mkdir()
        assert outcome(empty, written.found).startswith(f"{empty}: the folder is empty, expected")

    def test_zero_byte_in_the_path(self, tmp_path):
        written = write(tmp_path)
        assert "cannot be read" in outcome(f"{tmp_path}/a\0b", written.found)

    def test_link_to_itself(self, tmp_path):
        written = write(tmp_path)
        loop = tmp_path / "loop.json"
        loop.symlink_to(loop)
        assert outcome(loop, written.found).startswith(f"{loop}: cannot be read: ")

    def test_not_readable(self, tmp_path):
        written = write(tmp_path)
        written.found.chmod(0)
        if os.access(written.found, os.R_OK):
            pytest.skip("needs a user who is not root: root reads every file")
        assert outcome(*written) == f"{written.found}: cannot be read: Permission denied"

    def test_not_readable_for_any_reason(self, tmp_path, monkeypatch):
        def failing(path, mode):
            raise PermissionError(13, "Permission denied", str(path))

        written = write(tmp_path)
        monkeypatch.setattr(inputs, "open", failing, raising=False)
        assert outcome(*written) == f"{written.truth}: cannot be read: Permission denied"


# --- gzip ----------------------------------------------------------------------------------------


class TestGzip:
    """Told by its first bytes, not by its name; damaged data is refused."""

    def test_is_read(self, tmp_path):
        result = evaluate(tmp_path, PACKED["truth"], PACKED["found"])
        builders.same_cells(result, evaluate(tmp_path))

    def test_in_several_members(self, tmp_path):
        half = len(TEXT["found"]) // 2
        text = TEXT["found"].encode()
        members = gzip.compress(text[:half]) + gzip.compress(text[half:])
        builders.same_cells(evaluate(tmp_path, found=members), evaluate(tmp_path))

    @pytest.mark.parametrize("chunk", [1, 2, 7, 64, 1000])
    def test_in_small_steps(self, tmp_path, monkeypatch, chunk):
        found = [detection(score=n / 1000) for n in range(200)]
        plain = evaluate(tmp_path, found=found)
        monkeypatch.setattr(inputs, "CHUNK", chunk)
        packed = gzip.compress(json.dumps(found).encode())
        builders.same_cells(evaluate(tmp_path, found=packed), plain)

    def test_plain_file_that_is_called_gz(self, tmp_path):
        written = write(tmp_path)
        misnamed = written.found.rename(tmp_path / "found.json.gz")
        assert dm.evaluate(written.truth, misnamed).summary["AP"] == pytest.approx(1)

    def test_of_no_bytes(self, tmp_path):
        written = write(tmp_path)
        empty = tmp_path / "found.json.gz"
        empty.touch()
        assert outcome(written.truth, empty) == f"{empty}: the file is empty"

    @SIDES
    def test_truncated_at_every_byte(self, tmp_path, side):
        packed = PACKED[side]
        for end in range(2, len(packed)):
            text = refused(tmp_path, side, packed[:end])
            assert "was the file cut off?" in text or "gzip" in text

    @SIDES
    def test_damaged_at_every_byte(self, tmp_path, side):
        packed = PACKED[side]
        # Bytes 4 to 9 of the header are time, flags and system, which nobody reads.
        for place in [3, *range(10, len(packed))]:
            broken = bytearray(packed)
            broken[place] ^= 0x5A
            refused(tmp_path, side, bytes(broken))

    @SIDES
    def test_garbage_behind_it(self, tmp_path, side):
        assert "gzip" in refused(tmp_path, side, PACKED[side] + b"garbage")

    @SIDES
    def test_zeros_behind_it_are_padding(self, tmp_path, side):
        result = evaluate(tmp_path, **{side: PACKED[side] + bytes(512)})
        assert result.summary["AP"] == pytest.approx(1)

    @SIDES
    def test_garbage_behind_the_magic(self, tmp_path, side):
        assert "gzip" in refused(tmp_path, side, b"\x1f\x8b" + bytes(range(256)))

    @SIDES
    def test_bomb(self, tmp_path, monkeypatch, side):
        monkeypatch.setattr(inputs, "ALWAYS_FINE", 10_000)
        monkeypatch.setattr(inputs, "CHUNK", 1_000)
        bomb = gzip.compress(b"[" + b" " * 5_000_000 + b"]")
        assert "of gzip data unpack to more than" in refused(tmp_path, side, bomb)

    @SIDES
    def test_bomb_of_many_members(self, tmp_path, monkeypatch, side):
        monkeypatch.setattr(inputs, "ALWAYS_FINE", 10_000)
        monkeypatch.setattr(inputs, "LARGEST_RATIO", 2)
        bomb = gzip.compress(b" " * 2_000) * 20
        assert "of gzip data unpack to more than" in refused(tmp_path, side, bomb)

    def test_ordinary_ratio_is_no_bomb(self, tmp_path, monkeypatch):
        monkeypatch.setattr(inputs, "ALWAYS_FINE", 0)
        found = [detection(score=n / 2_000) for n in range(2_000)]
        packed = gzip.compress(json.dumps(found).encode())
        assert len(evaluate(tmp_path, found=packed).detections) == 2_000

    def test_inputs_name_the_file_as_it_lies_on_disk(self, tmp_path):
        result = evaluate(tmp_path, found=PACKED["found"])
        assert result.inputs[1].size == len(PACKED["found"])


# --- encodings -----------------------------------------------------------------------------------


class TestEncodings:
    """UTF-8 with or without a mark; UTF-16 and UTF-32 as JSON once allowed; nothing else."""

    truth = changed(document(), ("categories", 0, "name"), "caté 猫")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
    def test_unicode(self, tmp_path, encoding):
        truth = json.dumps(self.truth, ensure_ascii=False).encode(encoding)
        found = json.dumps(detections()).encode(encoding)
        result = evaluate(tmp_path, truth, found)
        assert result.class_names == ("caté 猫", "dog")
        builders.same_cells(result, evaluate(tmp_path))

    @pytest.mark.parametrize("path", [("categories", 0, "name"), ("images", 0, "file_name")])
    def test_latin_1(self, tmp_path, path):
        data = json.dumps(changed(document(), path, "café au lait"), ensure_ascii=False)
        place = data.encode("latin-1").index(b"\xe9")
        text = refused(tmp_path, "truth", data.encode("latin-1"))
        assert f"byte {place:,}" in text
        assert "UTF-8" in text

    def test_latin_1_where_a_text_is_an_id(self, tmp_path):
        data = json.dumps([detection("café")], ensure_ascii=False).encode("latin-1")
        assert "UTF-8" in refused(tmp_path, "found", data)

    def test_half_a_character_in_utf_16(self, tmp_path):
        refused(tmp_path, "truth", json.dumps(document()).encode("utf-16")[:-1])

    @SIDES
    @pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
    def test_halves_of_surrogate_pairs_as_values(self, tmp_path, side, text):
        path = {"truth": ("annotations", 0, "area"), "found": (0, "score")}[side]
        content = changed({"truth": document(), "found": detections()}[side], path, text)
        refused(tmp_path, side, content)

    def test_halves_of_surrogate_pairs_as_names(self, tmp_path):
        written = write(tmp_path, changed(document(), ("categories", 0, "name"), "a\ud800"))
        outputs = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv", "markdown")}
        arguments = [part for kind, path in outputs.items() for part in (f"--{kind}", str(path))]
        ran = CliRunner().invoke(
            cli, ["evaluate", "-q", *map(str, written), "--per-class", *arguments]
        )
        if ran.exit_code == 1:  # refused, with a message
            assert ran.stderr.startswith(f"error: {written.truth}: ")
            assert not any(path.exists() for path in outputs.values())
        else:  # or written, each view whole
            assert ran.exit_code == 0, ran.exception
            assert all(path.stat().st_size for path in outputs.values())
            assert "a\\ud800" in ran.stdout


# --- JSON of another shape -----------------------------------------------------------------------


VALUES = {
    "null": None,
    "true": True,
    "text": "x",
    "list": [],
    "list of lists": [[[]]],
    "object": {},
    "fraction": 1.5,
    "negative": -1,
    "1e400": Raw("1e400"),
    "-1e400": Raw("-1e400"),
    "NaN": Raw("NaN"),
    "Infinity": Raw("Infinity"),
    "30 digits": 10**30,
    "400 digits": 10**400,
    "5,000 digits": Raw("1" + "0" * 5_000),
    "5,000 digits as text": "9" * 5_000,
    "half a surrogate pair": "\ud800",
}
FIELDS = {
    "truth": [
        ("images",),
        ("annotations",),
        ("categories",),
        ("images", 1),
        ("annotations", 1),
        ("categories", 1),
        ("images", 1, "id"),
        ("categories", 1, "id"),
        ("annotations", 1, "id"),
        ("annotations", 1, "image_id"),
        ("annotations", 1, "category_id"),
        ("annotations", 1, "bbox"),
        ("annotations", 1, "bbox", 3),
        ("annotations", 1, "area"),
        ("annotations", 1, "iscrowd"),
        ("annotations", 1, "ignore"),
        ("images", 1, "file_name"),
        ("categories", 1, "name"),
    ],
    "found": [
        (1,),
        (1, "image_id"),
        (1, "category_id"),
        (1, "bbox"),
        (1, "bbox", 0),
        (1, "score"),
    ],
}
# What stands for nothing, or may be anything that a name or an id may be.
ALLOWED = {
    "file_name": {"null", "text", "5,000 digits as text"},
    "name": {
        "null",
        "text",
        "fraction",
        "negative",
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "30 digits",
        "400 digits",
        "5,000 digits as text",
    },
    "area": {"null", "fraction", "30 digits"},
    "iscrowd": {"null", "true", "fraction", "negative", "30 digits", "400 digits"},
    "ignore": {"null", "true", "fraction", "negative", "30 digits", "400 digits"},
    "id": {"text", "null", "negative", "5,000 digits as text"},
    "score": {"fraction", "negative", "30 digits"},
    3: {"fraction"},
    0: {"fraction", "negative"},
}


def spelled(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in path).removeprefix(".")


@pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
@pytest.mark.parametrize(
    ("side", "path"),
    [
        pytest.param(side, path, id=f"{side} {spelled(path)}")
        for side, paths in FIELDS.items()
        for path in paths
    ],
)
@pytest.mark.parametrize("kind", VALUES)
def test_wrong_value_at_every_field(tmp_path, side, path, kind):
    base = {"truth": document(), "found": detections()}[side]
    content = builders.dumps(changed(base, path, VALUES[kind]))
    is_reference = path[0] != "annotations" and path[-1] == "id"  # others refer to it
    if kind in ALLOWED.get(path[-1], set()) and not is_reference:
        evaluate(tmp_path, **{side: content})
        return
    if path == ("annotations",) and kind == "list":
        evaluate(tmp_path, truth=content)
        return
    if kind == "half a surrogate pair":  # in a name it may pass
        settles(tmp_path, **{side: content})
        return
    text = refused(tmp_path, side, content)
    if kind == "5,000 digits":  # Python does not read it, so the place is not known
        return
    if kind == "list" and path in (("images",), ("categories",)):
        assert "does not list" in text  # the annotations refer to what is not there
    elif not is_reference or kind not in ALLOWED["id"] - {"null"}:
        assert spelled(path[:-1] if isinstance(path[-1], int) and len(path) > 2 else path) in text
    else:
        assert "does not list" in text


@pytest.mark.parametrize(
    ("side", "path"),
    [
        ("truth", ("images",)),
        ("truth", ("annotations",)),
        ("truth", ("categories",)),
        ("truth", ("images", 0, "id")),
        ("truth", ("categories", 0, "id")),
        ("truth", ("annotations", 0, "image_id")),
        ("truth", ("annotations", 0, "category_id")),
        ("truth", ("annotations", 0, "bbox")),
        ("found", (0, "image_id")),
        ("found", (0, "category_id")),
        ("found", (0, "bbox")),
        ("found", (0, "score")),
    ],
)
def test_missing_field(tmp_path, side, path):
    content = changed({"truth": document(), "found": detections()}[side], path, None)
    inner = content
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    text = refused(tmp_path, side, content)
    assert text.startswith(f"{tmp_path / side}.json: {spelled(path)}: ")
    assert text.endswith(("missing", "got nothing"))


@pytest.mark.parametrize("length", [0, 1, 3, 6])
@SIDES
def test_box_of_other_length(tmp_path, side, length):
    path = {"truth": ("annotations", 1, "bbox"), "found": (1, "bbox")}[side]
    content = changed({"truth": document(), "found": detections()}[side], path, [1] * length)
    assert f"{spelled(path)}: expected a list of length 4, got {length}" in refused(
        tmp_path, side, content
    )


@pytest.mark.parametrize("name", ["a.json", "a.bin", "a.csv"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (scenes.png(3, 4), "a PNG image"),
        (b"PK\x03\x04" + bytes(99), "a ZIP archive"),
        (bytes(257) + b"ustar" + bytes(99), "a TAR archive"),
    ],
)
def test_what_is_no_text_is_named(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    for said in (outcome(path, write(tmp_path).found), outcome(write(tmp_path).truth, path)):
        assert says in said
        assert ("unpack it" in said) == (name == "a.bin" and "archive" in says)


class TestOtherShapes:
    """JSON, but of something else."""

    def test_swapped_files(self, tmp_path):
        truth, found = write(tmp_path)
        with pytest.raises(
            dm.FormatError, match=r"(?s)found\.json: expected an object.*swap the two arguments"
        ):
            dm.evaluate(found, truth)

    def test_ground_truth_twice(self, tmp_path):
        said = refused(tmp_path, "found", document())
        assert "it is read as COCO JSON of the ground truth: give a file of the detections" in said

    @pytest.mark.parametrize("content", ["5", "null", "true", '"text"', "NaN"])
    @SIDES
    def test_neither_list_nor_object(self, tmp_path, side, content):
        assert ": expected " in refused(tmp_path, side, content)

    def test_object_of_detections(self, tmp_path):
        text = refused(tmp_path, "found", {"detections": detections()})
        assert "expected a list of detections, got an object" in text
        assert "the detections under 'detections': write the list alone" in text

    def test_detection_alone(self, tmp_path):
        assert "expected a list" in refused(tmp_path, "found", detection())

    @pytest.mark.parametrize("what", ["images", "categories"])
    def test_ids_twice(self, tmp_path, what):
        truth = document()
        truth[what].append(dict(truth[what][0]))
        text = refused(tmp_path, "truth", truth)
        assert f"{what}[2].id: 1 is there already, at {what}[0]" in text

    def test_ids_twice_as_number_and_float(self, tmp_path):
        truth = changed(document(), ("images", 1, "id"), 1.0)
        assert "images[1].id: " in refused(tmp_path, "truth", truth)

    def test_faults_of_one_file_are_shown_together(self, tmp_path):
        truth = changed(document(), ("images", 0, "id"), None)
        truth = changed(truth, ("annotations", 1, "bbox"), "0 0 10 10")
        text = refused(tmp_path, "truth", truth)
        assert "2 faults" in text
        assert "images[0].id" in text
        assert "annotations[1].bbox" in text

    @pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
    @pytest.mark.parametrize("closed", [False, True])
    @SIDES
    def test_nested_deeply(self, tmp_path, side, opening, closed):
        end = {"[": "]", '{"a":': "}", '[{"a":': "}]"}[opening]
        content = opening * 100_000 + ("1" + end * 100_000 if closed else "")
        assert "nested too deeply" in refused(tmp_path, side, content)

    @SIDES
    def test_nested_deeply_in_a_field_that_nobody_reads(self, tmp_path, side):
        path = {"truth": ("images", 0, "more"), "found": (0, "more")}[side]
        base = {"truth": document(), "found": detections()}[side]
        content = changed(base, path, Raw("[" * 100_000 + "]" * 100_000))
        assert "nested too deeply" in refused(tmp_path, side, builders.dumps(content))

    def test_nested_as_deeply_as_people_do(self, tmp_path):
        found = changed(detections(), (0, "more"), Raw("[" * 100 + "]" * 100))
        assert evaluate(tmp_path, found=builders.dumps(found)).summary["AP"] == pytest.approx(1)

    def test_keys_twice(self, tmp_path):
        text = json.dumps(detections()).replace('"score": 0.9', '"score": 0.1, "score": 0.9')
        assert "[0]: the key 'score' is there 2 times" in refused(tmp_path, "found", text)

    def test_fields_that_nobody_reads_may_be_anything(self, tmp_path):
        truth = document(info=[[]], licenses=7)
        truth["annotations"][0] |= {"segmentation": {"counts": "x"}, "score": None}
        found = [row | {"id": [], "segmentation": "}, {"} for row in detections()]
        builders.same_cells(evaluate(tmp_path, truth, found), evaluate(tmp_path))


# --- pieces --------------------------------------------------------------------------------------


def rich_detections() -> list[dict]:
    """Records whose text and inner lists look like the gap between two records."""
    traps = [
        {"note": "},{"},
        {"note": '"}, {"'},
        {"note": "\\}, {\\"},
        {"inner": [{"a": 1}, {"b": [{}, {}]}]},
        {"inner": {"x": [{"image_id": 1}, {"image_id": 2}]}},
        {"},{": "},{"},
        {},
    ]
    return [
        trap | detection(n % 2 + 1, n % 2 + 1, 0.01 * n, bbox=[n, 0, 10, 10]) | trap
        for n, trap in enumerate(traps * 3)
    ]


class TestPieces:
    """Where a file is cut into pieces to decode it changes nothing."""

    @pytest.mark.parametrize("piece", [1, 2, 3, 5, 10, 17, 50, 200, 1000])
    @pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), ("\n,\n", " : ")])
    def test_records_with_traps(self, tmp_path, monkeypatch, piece, separators):
        text = json.dumps(rich_detections(), separators=separators)
        whole = evaluate(tmp_path, found=text)
        monkeypatch.setattr(json_pieces, "PIECE", piece)
        pieces = evaluate(tmp_path, found=text)
        assert pieces.detections.place.tolist() == whole.detections.place.tolist()
        builders.same_cells(pieces, whole)

    @pytest.mark.parametrize("piece", [1, 60, 300])
    def test_records_without(self, tmp_path, monkeypatch, piece):
        found = [detection(n % 2 + 1, 1, n / 100) for n in range(50)]
        whole = evaluate(tmp_path, found=found)
        monkeypatch.setattr(json_pieces, "PIECE", piece)
        builders.same_cells(evaluate(tmp_path, found=found), whole)

    @pytest.mark.parametrize("piece", [1, 60])
    def test_ids_of_several_kinds(self, tmp_path, monkeypatch, piece):
        truth = document(images=[builders.image("1"), builders.image(1), builders.image(2)])
        found = [detection(n) for n in (1, "1", 2.0, 1, 2)]
        monkeypatch.setattr(json_pieces, "PIECE", piece)
        result = evaluate(tmp_path, truth, found)
        assert result.matches()["image_id"][:5].tolist() == [1, "1", 2, 1, 2]

    @pytest.mark.parametrize("piece", [1, 60])
    def test_empty_list(self, tmp_path, monkeypatch, piece):
        monkeypatch.setattr(json_pieces, "PIECE", piece)
        assert len(evaluate(tmp_path, found=" [ ] ").detections) == 0

    @pytest.mark.parametrize("piece", [1, 3, 60])
    @pytest.mark.parametrize(
        "text",
        [
            '{"a": [{"b": 1}, {"b": 2}]}',
            json.dumps(detections()).replace("}, {", "},\x0b{"),
            json.dumps(detections()).replace("}, {", "},,{"),
            json.dumps(detections()).replace("}, {", "} {"),
            json.dumps(detections()).replace("}, {", "}], [{"),
            json.dumps(detections())[1:-1],
            json.dumps(detections()) + json.dumps(detections()),
            json.dumps([[detection(), detection()], detection()]),
            json.dumps(detections()).replace("0.8", "NaN"),
        ],
    )
    def test_the_same_is_refused_in_the_same_words(self, tmp_path, monkeypatch, piece, text):
        whole = refused(tmp_path, "found", text)
        monkeypatch.setattr(json_pieces, "PIECE", piece)
        assert refused(tmp_path, "found", text) == whole

    @given(data=st.data(), piece=st.integers(1, 50))
    @examples(50, HealthCheck.function_scoped_fixture)
    def test_any_text_in_a_record(self, tmp_path, monkeypatch, data, piece):
        text = st.text(alphabet='{}[],:"\\ a', max_size=8)
        inner = st.recursive(
            text | st.integers(0, 3),
            lambda part: st.lists(part, max_size=3) | st.dictionaries(text, part, max_size=3),
            max_leaves=6,
        )
        rows = data.draw(st.lists(inner, min_size=1, max_size=6))
        found = [{"more": row} | detection(score=n / 10) | {"z": row} for n, row in enumerate(rows)]
        content = json.dumps(
            found, separators=data.draw(st.sampled_from([(",", ":"), (", ", ": ")]))
        )
        with monkeypatch.context() as patch:
            patch.setattr(json_pieces, "PIECE", piece)
            pieces = evaluate(tmp_path, found=content)
        assert pieces.detections.scores.tolist() == [n / 10 for n in range(len(rows))]


# --- anything ------------------------------------------------------------------------------------


def settles(folder, **contents) -> None:
    """Fail unless these contents end in a result or in an error that names one of the files."""
    written = write(folder, **contents)
    text = complaint(written)
    assert text is None or text.startswith((f"{written.truth}: ", f"{written.found}: ")), text


def complaint(written: builders.Files) -> str | None:
    """What is wrong with the input, or None where there is a result."""
    try:
        dm.evaluate(*written).to_dict()
    except dm.InputError as error:
        return str(error)
    return None


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """The bytes with some flipped, deleted, inserted, or a slice of them moved or doubled."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(1, 30)))
        there = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["flip", "delete", "insert", "token", "double", "cut"]))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "delete":
            del data[at:to]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=4))
        elif kind == "token":
            tokens = [b"null", b"NaN", b"1e999", b"-", b'"', b"[]", b"{}", b"0", b"e9", b"\\ud800"]
            data[at:at] = draw(st.sampled_from(tokens))
        elif kind == "double":
            data[there:there] = data[at:to]
        elif kind == "cut":
            del data[at:]
    return bytes(data)


FUZZ = examples(120, HealthCheck.function_scoped_fixture)


@pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
class TestAnything:
    """Whatever the bytes: a result, or an error that names the file."""

    truth = json.dumps(document()).encode()
    found = json.dumps(detections()).encode()

    @FUZZ
    @given(content=mutated(truth))
    def test_mutated_ground_truth(self, tmp_path, content):
        settles(tmp_path, truth=content)

    @FUZZ
    @given(content=mutated(found))
    def test_mutated_detections(self, tmp_path, content):
        settles(tmp_path, found=content)

    @FUZZ
    @given(content=mutated(gzip.compress(found, mtime=0)))
    def test_mutated_gzip(self, tmp_path, content):
        settles(tmp_path, found=content)

    @FUZZ
    @given(content=mutated(found), piece=st.integers(1, 60))
    def test_mutated_detections_in_pieces(self, tmp_path, monkeypatch, content, piece):
        with monkeypatch.context() as patch:
            patch.setattr(json_pieces, "PIECE", piece)
            settles(tmp_path, found=content)

    @FUZZ
    @given(content=st.binary(max_size=40))
    def test_bytes(self, tmp_path, content):
        settles(tmp_path, truth=content)
        settles(tmp_path, found=content)

    scalars = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.integers(-3, 3)
        | st.floats()
        | st.text(max_size=5)
        | st.sampled_from(
            ["1", "01", "cat", 10**30, 2**63, -(2**63), 1e15, 1e-300, "1.jpg", "\ud800"]
        )
    )
    values = st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        ),
        max_leaves=12,
    )
    box = st.lists(scalars, min_size=4, max_size=4) | values
    found_rows = st.fixed_dictionaries(
        {"image_id": scalars, "category_id": scalars, "bbox": box, "score": scalars}
    )
    truth_rows = st.fixed_dictionaries(
        {"image_id": scalars, "category_id": scalars, "bbox": box},
        optional={"id": scalars, "area": scalars, "iscrowd": scalars, "ignore": scalars},
    )

    @FUZZ
    @given(content=values)
    def test_json_of_any_shape(self, tmp_path, content):
        settles(tmp_path, truth=json.dumps(content))
        settles(tmp_path, found=json.dumps(content))

    @FUZZ
    @given(rows=st.lists(found_rows, max_size=3))
    def test_detections_of_any_values(self, tmp_path, rows):
        settles(tmp_path, found=rows)

    @FUZZ
    @given(
        annotations=st.lists(truth_rows, max_size=3),
        images=st.lists(st.fixed_dictionaries({"id": scalars, "file_name": scalars}), max_size=3),
        categories=st.lists(st.fixed_dictionaries({"id": scalars, "name": scalars}), max_size=3),
        rows=st.lists(found_rows, max_size=2),
    )
    def test_ground_truth_of_any_values(self, tmp_path, annotations, images, categories, rows):
        truth = {"annotations": annotations, "images": images, "categories": categories}
        settles(tmp_path, truth=truth, found=rows)

    numbers = st.one_of(
        st.floats(-1e15, 1e15),
        st.sampled_from([0.0, -0.0, 1e-320, 1e-200, 1e15, -1e15, 10.0, 1e7, 5e-324]),
    )
    sizes = st.one_of(
        st.floats(0, 1e15), st.sampled_from([0.0, 1e-320, 1e-200, 1e-8, 1e15, 10.0, 5e-324])
    )

    @FUZZ
    @given(
        boxes=st.lists(st.tuples(numbers, numbers, sizes, sizes), min_size=1, max_size=3),
        found=st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=3),
        same=st.booleans(),
        crowd=st.integers(0, 1),
    )
    def test_boxes_of_any_size(self, tmp_path, boxes, found, same, crowd):
        truth = document(
            annotations=[
                builders.annotation(n, bbox=list(box), iscrowd=crowd)
                for n, box in enumerate(boxes, start=1)
            ]
        )
        rows = [detection(bbox=list(box)) for box in (boxes if same else found)]
        result = evaluate(tmp_path, truth, rows)  # no RuntimeWarning, nothing but numbers
        counts = [not crowd and box[2] * box[3] <= 1e10 for box in boxes]
        assert math.isnan(result.summary["AP"]) is not any(counts)
        result.matches()


# --- through the command -------------------------------------------------------------------------


BAD = {
    "truncated": ("found", TEXT["found"][:60], "was it cut off?"),
    "empty": ("found", b"", "the file is empty"),
    "empty gzip": ("truth", gzip.compress(b"", mtime=0), "the file is empty"),
    "damaged gzip": ("truth", b"\x1f\x8bno", "gzip"),
    "wrong type": ("found", changed(detections(), (0, "score"), "high"), "[0].score: expected"),
    "not a number": (
        "found",
        changed(detections(), (0, "score"), Raw("NaN")),
        "[0].score: expected",
    ),
    "large number": ("truth", changed(document(), ("images", 0, "id"), 10**30), "images[0].id"),
    "long number": ("found", changed(detections(), (0, "score"), Raw("1" * 5_000)), "not JSON"),
    "digits": ("found", changed(detections(), (0, "image_id"), "9" * 5_000), "[0].image_id"),
    "nested": ("found", "[" * 100_000, "nested too deeply"),
    "Latin-1": (
        "truth",
        json.dumps(changed(document(), ("categories", 0, "name"), "é"), ensure_ascii=False).encode(
            "latin-1"
        ),
        "UTF-8",
    ),
    "other file": ("found", document(), "give a file of the detections"),
    "unknown image": ("found", [detection(99)], "1 detection of 1 names 1 image"),
    "half a surrogate pair": ("found", changed(detections(), (0, "score"), "\ud800"), "surrogate"),
}


@pytest.mark.parametrize("case", BAD)
def test_command_refuses_with_one_message(tmp_path, case):
    side, content, words = BAD[case]
    written = write(tmp_path, **{side: content})
    kept = tmp_path / "kept.csv"
    kept.write_text("as it was")
    outputs = ["--json", str(tmp_path / "out.json"), "--csv", str(kept)]
    ran = CliRunner().invoke(cli, ["evaluate", "-q", *map(str, written), *outputs])
    assert ran.exit_code == 1
    assert isinstance(ran.exception, SystemExit), ran.exception
    assert ran.stdout == ""
    assert ran.stderr.startswith(f"error: {getattr(written, side)}: ")
    assert words in ran.stderr
    assert ran.stderr.count("error:") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "found.json",
        "kept.csv",
        "truth.json",
    ]
    assert kept.read_text() == "as it was"


def command(*arguments, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "detmetrics", "evaluate", "-q", *map(str, arguments)],
        input=given,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("case", ["truncated", "nested", "Latin-1", "damaged gzip"])
def test_process_refuses_with_one_message(tmp_path, case):
    side, content, words = BAD[case]
    written = write(tmp_path, **{side: content})
    ran = command(*written, "--json", tmp_path / "out.json")
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert ran.stderr.startswith(f"error: {getattr(written, side)}: ".encode())
    assert words.encode() in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("name", ["nowhere.json", "."])
def test_process_refuses_what_is_no_file(tmp_path, name):
    written = write(tmp_path)
    ran = command(written.truth, tmp_path / name)
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert ran.stderr.startswith(b"error: " + bytes(tmp_path / name) + b": ")
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize("given", [b"", b"[", b"\xff\xfe", gzip.compress(b"[", mtime=0)])
def test_standard_input_is_refused_the_same_way(tmp_path, given):
    ran = command(write(tmp_path).truth, "-", given=given)
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert ran.stderr.startswith(b"error: ")
    assert b"Traceback" not in ran.stderr


def test_standard_input_may_be_closed_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(dm.FormatError, match="standard input gave nothing"):
        dm.evaluate(write(tmp_path).truth, "-")
