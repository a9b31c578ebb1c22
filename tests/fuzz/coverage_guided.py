"""Readers under coverage-guided fuzzing, where atheris is installed; else says that it is not.

``python tests/fuzz/coverage_guided.py 5`` runs for five minutes. The first byte picks the sample,
the rest takes the place of one of its files.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import warnings
from pathlib import Path

MINUTES = 1.0


def main() -> None:
    if importlib.util.find_spec("atheris") is None:
        print("coverage-guided fuzzing left out: atheris is not installed (pip install atheris)")
        return
    import atheris

    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    with atheris.instrument_imports(include=["detmetrics"]):
        from samples import SAMPLES, lay, settles

    kinds = [*SAMPLES.values()]
    warnings.simplefilter("ignore")
    scratch = Path(tempfile.gettempdir(), "detmetrics-fuzz")  # what it learns stays for next time
    corpus = scratch / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(kinds):
        content = next(iter(sample.files.values()))
        (corpus / str(number)).write_bytes(bytes([number]) + content)

    def one(data: bytes) -> None:
        sample = kinds[(data[0] if data else 0) % len(kinds)]
        files = {**sample.files, next(iter(sample.files)): data[1:]}
        settles(sample, lay(scratch / "there", sample, files))

    arguments = [
        f"-max_total_time={round(60 * minutes)}",
        "-timeout=20",
        "-max_len=4096",
        "-verbosity=0",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
