"""An evaluation in parts on an engine, as a process of its own: ``driver.py ENGINE FOLDER [PLAN]``.

Prints the result as JSON, and nothing else may be on standard output.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

from parts.part_files import in_parts

import detmetrics as dm
from detmetrics.parts import measuring
from detmetrics.parts.engines.named import named_engine
from engines.kills import Killing, Plan


def main() -> None:
    warnings.simplefilter("ignore")
    measuring.AT_ONCE = 1  # a task for each class
    engine, folder, *plan = sys.argv[1:]
    with named_engine(engine, 2) as executor:
        killing = Killing(executor, Plan(**json.loads(plan[0])))
        try:
            result = in_parts(Path(folder), shape="box", engine=killing, workers=2)
        except dm.DetmetricsError as error:
            sys.exit(f"{type(error).__name__}: {error}")
    print(json.dumps(result.to_dict()))


if __name__ == "__main__":
    main()
