"""How many examples a law gets in ``make test``, ``test-versions``, ``deep`` and ``fuzz``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

USUAL = 20

# A busy machine fails nothing: there is no deadline, and nothing is too slow.
_CALM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
settings.register_profile("default", max_examples=USUAL, derandomize=True, **_CALM)
# Of each law enough to run it once with other versions of the dependencies.
settings.register_profile("versions", max_examples=2, derandomize=True, **_CALM)
# The same examples each time, so that a change is not refused for an old fault.
settings.register_profile("deep", max_examples=6 * USUAL, derandomize=True, **_CALM)
# All laws take a minute on two cores, and a further one for as many examples as are usual.
_minutes = float(os.environ.get("DETMETRICS_FUZZ_MINUTES", "60"))
_in_time = max(USUAL // 2, int(USUAL * (_minutes - 1)))
settings.register_profile("fuzz", max_examples=_in_time, **_CALM)
settings.load_profile("default")


def examples(count: int, *suppressed: HealthCheck) -> settings:
    """Settings of a law that needs another number than USUAL in ``make test``.

    suppressed: health checks that do not apply, beside those of the profile.
    """
    profile = settings()
    return settings(
        max_examples=max(1, count * profile.max_examples // USUAL),
        suppress_health_check=[*profile.suppress_health_check, *suppressed],
    )
