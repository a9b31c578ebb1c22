"""Some sets of each comparison, and that a difference would be found, made small and written."""

from __future__ import annotations

import json

import pytest

from proof import run
from proof.comparisons import ALL, chosen, missing
from proof.scenes import Comparison, Different, Finding

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # packages warn of what is old, and scenes are odd
]
EVERY = pytest.mark.parametrize("name", ALL)
FEW, MORE = 4, 150


def tried(name: str, seeds: range) -> int:
    if lacking := missing(ALL[name]):
        pytest.skip(f"needs {', '.join(lacking)}: make fuzz installs it")
    return sum(ALL[name].run(seed) for seed in seeds)


@EVERY
def test_a_few_sets(name):
    assert tried(name, range(FEW)) > 0


@pytest.mark.heavy
@EVERY
def test_more_sets(name):
    assert tried(name, range(FEW, MORE)) > 0


# --- the search itself ---------------------------------------------------------------------------


def broken() -> Comparison:
    """Fails where there are a detection above 0.5 and an object."""

    def compared(scene):
        if any(row["score"] > 0.5 for row in scene.found) and scene.truth["annotations"]:
            raise Different("too high")
        return 1

    return Comparison(name="broken", made=ALL["door-arrays"].made, compared=compared)


@pytest.fixture
def search(monkeypatch, tmp_path):
    monkeypatch.setitem(ALL, "broken", broken())

    def main(*arguments: str) -> int:
        return run.main(["--processes", "1", "--findings", str(tmp_path), *arguments])

    return main


def test_a_finding_is_small_and_can_be_looked_at_again(search, tmp_path, capsys):
    asked = ("--comparisons", "broken", "--seed", "0")
    assert search(*asked, "--minutes", "0.01") == 1
    told = capsys.readouterr().out
    assert "FINDING" in told
    assert "Different: too high" in told
    path = min(tmp_path.iterdir())
    content = json.loads(path.read_text())
    assert content["comparison"] == "broken"
    assert len(content["found"]) == len(content["truth"]["annotations"]) == 1
    assert content["truth"]["images"] == []
    with pytest.raises(Different, match="too high"):
        search("--again", str(path))


def test_without_a_finding_nothing_is_written(search, tmp_path, capsys):
    asked = ("--comparisons", "door-arrays,loops-k*", "--seed", "0", "--minutes", "0.005")
    assert search(*asked) == 0
    told = capsys.readouterr().out
    assert "door-arrays" in told
    assert "0 findings" in told
    assert not [*tmp_path.iterdir()]
    path = tmp_path / "old.json"
    scene = ALL["door-arrays"].made(3)
    path.write_text(json.dumps({"comparison": "door-arrays", **vars(scene)}))
    assert search("--again", str(path)) == 0


def test_the_same_seed_is_the_same_set():
    for comparison in ALL.values():
        assert repr(comparison.made(5)) == repr(comparison.made(5))


def test_an_unknown_comparison_is_named():
    with pytest.raises(ValueError, match=r"no comparison doors; known are pycocotools-boxes"):
        chosen(["doors"])


def test_a_finding_says_where():
    def search() -> None:
        for seed in range(50):
            broken().run(seed)

    with pytest.raises(Finding, match=r"broken, seed .*: Different: too high") as caught:
        search()
    assert "raise Different" in caught.value.said
