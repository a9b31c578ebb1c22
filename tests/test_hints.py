"""Every hint is given on an input on which following it works."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import detmetrics as dm
from detmetrics.foundation.hints import HINTS

CLASSES = ("cat", "dog", "owl")
SIZE = (640.0, 480.0)


def boxes() -> list[tuple[int, int, tuple[float, float, float, float]]]:
    """Image, class and ``x y w h``: 24 objects on 8 images, of three classes."""
    found = []
    for image in range(8):
        for number in range(3):
            x, y = 30.0 + 37 * image, 20.0 + 130 * number + 5 * image
            found.append((image, number, (x, y, 60.0 + 7 * image, 40.0 + 11 * number)))
    return found


def truth(path: Path, *, names: tuple[str, ...] = CLASSES, **changes: Any) -> Path:
    """COCO ground truth; image n has the id n + 1 and the name ``img_n.jpg``."""
    document = {
        "images": [
            {"id": n + 1, "file_name": f"img_{n}.jpg", "width": SIZE[0], "height": SIZE[1]}
            for n in range(8)
        ],
        "annotations": [
            {"id": k + 1, "image_id": n + 1, "category_id": c + 1, "bbox": box, "area": 900}
            for k, (n, c, box) in enumerate(boxes())
        ],
        "categories": [{"id": c + 1, "name": name} for c, name in enumerate(names)],
    }
    path.write_text(json.dumps(document | changes))
    return path


def records(image: Callable[[int], Any] = lambda n: n + 1, by: int = 1) -> list[dict[str, Any]]:
    return [
        {"image_id": image(n), "category_id": c + by, "bbox": box, "score": 0.9 - 0.01 * n}
        for n, c, box in boxes()
    ]


def found(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows))
    return path


def labels(
    folder: Path, line: Callable[[int, tuple[float, ...], float], str], name: str = "img_{}.txt"
) -> Path:
    """A text file per image."""
    for n, c, box in boxes():
        file = folder / name.format(n)
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text() if file.exists() else ""
        file.write_text(before + line(c, box, 0.9 - 0.01 * n) + "\n")
    return folder


def centres(c: int | str, box: tuple[float, ...], score: float | str = "") -> str:
    x, y, w, h = box
    share = ((x + w / 2) / SIZE[0], (y + h / 2) / SIZE[1], w / SIZE[0], h / SIZE[1])
    return " ".join(map(str, (c, *share, score))).strip()


def voc(folder: Path) -> Path:
    folder.mkdir()
    for n in range(8):
        objects = "".join(
            f"<object><name>{CLASSES[c]}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
            f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
            for k, c, (x, y, w, h) in boxes()
            if k == n
        )
        size = "<size><width>640</width><height>480</height></size>"
        (folder / f"img_{n}.xml").write_text(f"<annotation>{size}{objects}</annotation>")
    return folder


Case = tuple[Path, Path, Callable[[str], tuple[Path, Path, dict[str, Any]]]]


def option(message: str, name: str) -> str:
    """The value that a message gives to an option."""
    made = re.search(rf"--{name} ('[^']+'|[^\s,.:;)]+)", message)
    assert made, message
    return made[1].strip("'")


def class_numbers(root: Path) -> Case:
    gt, dt = truth(root / "gt.json"), labels(root / "dt", lambda c, b, s: centres(c + 1, b, s))
    return gt, dt, lambda m: (gt, dt, {"class_numbers": option(m, "class-numbers")})


def class_order(root: Path) -> Case:
    gt, dt = voc(root / "gt"), labels(root / "dt", centres)
    names = root / "names.txt"
    names.write_text("\n".join(CLASSES))
    return gt, dt, lambda _: (gt, dt, {"class_names": names})


def image_ids(root: Path) -> Case:
    images = [
        {"id": n + 1, "file_name": f"{(n + 3) % 8 + 1:04d}.jpg", "width": 640, "height": 480}
        for n in range(8)
    ]
    gt = truth(root / "gt.json", images=images)
    dt = found(root / "dt.json", records(lambda n: (n + 3) % 8 + 1))

    def follow(message: str) -> tuple[Path, Path, dict[str, Any]]:
        assert "--image-ids ids" in message
        return gt, dt, {"image_ids": "names"}

    return gt, dt, follow


def unique_names(root: Path) -> Case:
    names = [f"cam{n % 2}/{n // 2}.jpg" for n in range(8)]
    images = [
        {"id": n + 1, "file_name": name, "width": 640, "height": 480}
        for n, name in enumerate(names)
    ]
    gt = truth(root / "gt.json", images=images)
    stems = [Path(name).stem for name in names]
    dt = found(root / "dt.json", records(lambda n: stems[n]))
    kept = found(root / "kept.json", records(lambda n: names[n].removesuffix(".jpg")))
    return gt, dt, lambda _: (gt, kept, {})


def suffixes(root: Path) -> Case:
    names = [f"img_{n // 2}.{('jpg', 'png')[n % 2]}" for n in range(8)]
    images = [
        {"id": n + 1, "file_name": name, "width": 640, "height": 480}
        for n, name in enumerate(names)
    ]
    gt = truth(root / "gt.json", images=images)
    dt = found(root / "dt.json", records(lambda n: Path(names[n]).stem))
    kept = found(root / "kept.json", records(lambda n: names[n]))
    return gt, dt, lambda _: (gt, kept, {})


def one_image(root: Path) -> Case:
    """The same detections under two names of one image."""
    gt = truth(root / "gt.json")
    twice = [row for folder in "pq" for row in records(lambda n, at=folder: f"{at}/img_{n}.jpg")]
    dt = found(root / "dt.json", twice)
    kept = found(root / "kept.json", [row for row in twice if row["image_id"].startswith("p")])
    return gt, dt, lambda _: (gt, kept, {})


def own_classes(root: Path) -> Case:
    categories = [{"id": 0, "name": "animals-xyz", "supercategory": "none"}] + [
        {"id": c + 1, "name": name, "supercategory": "animals-xyz"}
        for c, name in enumerate(CLASSES)
    ]
    gt = truth(root / "gt.json", categories=categories)
    dt = labels(root / "dt", centres)
    return gt, dt, lambda _: (gt, dt, {"class_names": CLASSES})


def drop_images(root: Path) -> Case:
    gt = truth(root / "gt.json")
    extra = {"image_id": 99, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.99}
    dt = found(root / "dt.json", [*records(), extra])
    return gt, dt, lambda m: (gt, dt, {"unknown_images": option(m, "unknown-images")})


def background(root: Path) -> Case:
    gt = truth(root / "gt.json")
    document = json.loads(gt.read_text())
    document["images"] = document["images"][:7]
    document["annotations"] = [row for row in document["annotations"] if row["image_id"] < 8]
    gt.write_text(json.dumps(document))
    extra = {"image_id": "img_7", "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.01}
    rows = [row | {"image_id": f"img_{row['image_id'] - 1}"} for row in records()]
    dt = found(root / "dt.json", [*(row for row in rows if row["image_id"] != "img_7"), extra])
    listed = root / "images.txt"
    listed.write_text("\n".join(f"img_{n}.jpg" for n in range(8)))
    return gt, dt, lambda _: (gt, dt, {"image_list": listed})


def drop_categories(root: Path) -> Case:
    gt = truth(root / "gt.json")
    extra = {"image_id": 1, "category_id": 99, "bbox": [1, 1, 9, 9], "score": 0.99}
    dt = found(root / "dt.json", [*records(), extra])
    return gt, dt, lambda m: (gt, dt, {"unknown_categories": option(m, "unknown-categories")})


def columns(root: Path) -> Case:
    """A score that may as well be the centre: 0.5 throughout."""
    box = (160.0, 120.0, 320.0, 240.0)
    rows = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 900}]
    gt, dt = truth(root / "gt.json", annotations=rows), root / "dt"
    dt.mkdir()
    (dt / "img_0.txt").write_text("0 0.5 0.5 0.5 0.5 0.5\n")
    return gt, dt, lambda m: (gt, dt, {"columns": option(m, "columns")})


def normalized(root: Path) -> Case:
    gt = truth(root / "gt.json")
    rows = [
        row | {"bbox": [side / SIZE[at % 2] for at, side in enumerate(row["bbox"])]}
        for row in records()
    ]
    dt = found(root / "dt.json", rows)
    return gt, dt, lambda m: (gt, dt, {"det_coordinates": option(m, "det-coordinates")})


def oriented_columns(root: Path) -> Case:
    gt = root / "gt"
    labels(gt, lambda c, b, _: f"{CLASSES[c]} {b[0]} {b[1]} {b[0] + b[2]} {b[1] + b[3]}")
    dt = root / "dt"
    labels(
        dt,
        lambda c, b, s: f"{CLASSES[c]} {b[0] + b[2] / 2} {b[1] + b[3] / 2} {b[2]} {b[3]} 0 {s}",
    )

    def follow(message: str) -> tuple[Path, Path, dict[str, Any]]:
        asked = {"det_format": option(message, "det-format"), "columns": option(message, "columns")}
        return gt, dt, asked

    return gt, dt, follow


def of_pixels(c: int, box: tuple[float, ...], *more: float) -> str:
    x, y, w, h = box
    return " ".join(map(str, (CLASSES[c], *more, x, y, x + w, y + h)))


def track_ids(root: Path) -> Case:
    gt = labels(root / "gt", lambda c, b, _: of_pixels(c, b))
    dt = labels(root / "dt", lambda c, b, s: f"{of_pixels(c, b, s)} {c + 7}")
    return gt, dt, lambda m: (gt, dt, {"columns": option(m, "columns")})


def ignored_column(root: Path) -> Case:
    """A flag behind the boxes, which the detector's writer added."""
    gt = labels(root / "gt", lambda c, b, _: of_pixels(c, b))
    dt = labels(root / "dt", lambda c, b, s: f"{of_pixels(c, b, s)} 0")

    def follow(message: str) -> tuple[Path, Path, dict[str, Any]]:
        said = message[message.index("to ignore a column") :]
        asked = {"det_format": option(said, "det-format"), "columns": option(said, "columns")}
        return gt, dt, asked

    return gt, dt, follow


def text_pixels(root: Path) -> Case:
    gt = labels(root / "gt", lambda c, b, _: f"{c} {b[0]} {b[1]} {b[0] + b[2]} {b[1] + b[3]}")
    (gt / "classes.txt").write_text("\n".join(CLASSES))
    dt = labels(root / "dt", lambda c, b, s: f"{c} {s} {b[0]} {b[1]} {b[0] + b[2]} {b[1] + b[3]}")
    return gt, dt, lambda m: (gt, dt, {"gt_format": option(m, "gt-format")})


def swap(root: Path) -> Case:
    gt, dt = truth(root / "gt.json"), found(root / "dt.json", records())
    return dt, gt, lambda _: (gt, dt, {})


def other_side(root: Path) -> Case:
    gt, dt = truth(root / "gt.json"), found(root / "dt.json", records())
    return gt, gt, lambda _: (gt, dt, {})


def convert_first(root: Path) -> Case:
    gt, dt = truth(root / "gt.json"), root / "dt.json"
    rows = [{"image_id": 1, "boxes": [[1, 1, 9, 9]], "scores": [0.5], "labels": [1]}]
    found(dt, rows)
    made = found(root / "made.json", records())
    return gt, dt, lambda _: (gt, made, {})


def pipe_limit(root: Path) -> Case:
    gt, pipe, again = truth(root / "gt.json"), root / "found", root / "again"

    def written(to: Path) -> None:
        with contextlib.suppress(BrokenPipeError):
            to.write_text(json.dumps(records()) + " " * 70_000)

    # Two, since what is left of one that was not read to its end may reach who opens it next.
    for one in (pipe, again):
        os.mkfifo(one)
        threading.Thread(target=written, args=(one,), daemon=True).start()
    return gt, pipe, lambda _: (gt, again, {"pipe_limit": 1 << 20})


def json_lines(root: Path) -> Case:
    gt, dt = truth(root / "gt.json"), root / "dt.jsonl"
    dt.write_text("\n".join(map(json.dumps, records())))
    made = found(root / "list.json", records())
    return gt, dt, lambda _: (gt, made, {})


def list_alone(root: Path) -> Case:
    gt, dt = truth(root / "gt.json"), found(root / "dt.json", {"results": records()})
    made = found(root / "list.json", json.loads(dt.read_text())["results"])
    return gt, dt, lambda _: (gt, made, {})


def rename_key(root: Path) -> Case:
    gt = truth(root / "gt.json")
    rows = [{("conf" if k == "score" else k): v for k, v in r.items()} for r in records()]
    dt = found(root / "dt.json", rows)

    def follow(message: str) -> tuple[Path, Path, dict[str, Any]]:
        made = re.search(r"rename the key (\w+) to (\w+)", message)
        assert made
        renamed = [{(made[2] if k == made[1] else k): v for k, v in r.items()} for r in rows]
        return gt, found(root / "renamed.json", renamed), {}

    return gt, dt, follow


def the_file(root: Path) -> Case:
    gt, folder = truth(root / "gt.json"), root / "run"
    folder.mkdir()
    found(folder / "dt.json", records())
    (folder / "notes.md").write_text("of a run")

    def follow(message: str) -> tuple[Path, Path, dict[str, Any]]:
        made = re.search(r"give the file in it: (\S+?)[;\n]", f"{message}\n")
        assert made
        return gt, Path(made[1]), {}

    return gt, folder, follow


def in_parts(root: Path) -> Case:
    files = truth(root / "gt.json"), found(root / "dt.json", records())
    done = dm.partition(*files, root / "set", into=2)
    gt, dt = Path(done.ground_truth), Path(done.detections)

    def follow(message: str) -> tuple[Path, Path, dict[str, Any]]:
        assert "dm.evaluate_parts" in message
        return gt, dt, {"state": root / "state"}

    return gt, dt, follow


def no_scores(root: Path) -> Case:
    gt, dt = truth(root / "gt.json"), root / "dt.json"
    found(dt, [{name: value for name, value in r.items() if name != "score"} for r in records()])

    def follow(message: str) -> tuple[Path, Path, dict[str, Any]]:
        return gt, dt, {"scores": option(message, "scores")}

    return gt, dt, follow


CASES: dict[str, Callable[[Path], Case]] = {
    "class-numbers": class_numbers,
    "class-order": class_order,
    "image-ids": image_ids,
    "unique-names": unique_names,
    "suffixes": suffixes,
    "one-image": one_image,
    "own-classes": own_classes,
    "background": background,
    "drop-images": drop_images,
    "drop-categories": drop_categories,
    "columns": columns,
    "normalized": normalized,
    "track-ids": track_ids,
    "ignored-column": ignored_column,
    "oriented-columns": oriented_columns,
    "text-pixels": text_pixels,
    "swap": swap,
    "other-side": other_side,
    "convert-first": convert_first,
    "pipe-limit": pipe_limit,
    "json-lines": json_lines,
    "list-alone": list_alone,
    "rename-key": rename_key,
    "the-file": the_file,
    "parts": in_parts,
    "no-scores": no_scores,
}


def test_every_hint_has_a_case():
    assert {*HINTS} == {*CASES}


def evaluated(gt: Path, dt: Path, asked: dict[str, Any]) -> float:
    policies = {name: asked.pop(name) for name in [*asked] if name.startswith("unknown")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "state" in asked:
            return dm.evaluate_parts(gt, dt, **asked).summary["AP50"]
        result = dm.evaluate(gt, dt, reading=dm.Reading(**asked), **policies)
    return result.summary["AP50" if result.detections.scored else "AP50_max"]


def refusal(gt: Path, dt: Path, asked: dict[str, Any]) -> str:
    with pytest.raises(dm.InputError) as refused:
        evaluated(gt, dt, asked)
    return str(refused.value)


def warned(gt: Path, dt: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return "\n".join(dm.evaluate(gt, dt).attention)


@pytest.mark.parametrize("name", CASES)
def test_following_a_hint_works(tmp_path, name):
    gt, dt, follow = CASES[name](tmp_path)
    asked = {"text-pixels": {"gt_format": "yolo"}, "pipe-limit": {"pipe_limit": 5_000}}
    asked = asked.get(name, {})
    said = refusal(gt, dt, asked) if name != "normalized" else warned(gt, dt)
    words = re.escape(HINTS[name])
    pattern = re.sub(r"\\\{\w+\\\}", ".+", words)
    assert re.search(pattern, said), said
    assert evaluated(*follow(said)) == pytest.approx(1)
