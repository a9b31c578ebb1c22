"""The public names, and where each is defined. :mod:`detmetrics` imports them when first used."""

from .analysis.comparison import (
    compare as compare,
)
from .analysis.crosschecking import (
    Crosscheck as Crosscheck,
)
from .analysis.crosschecking import (
    crosscheck as crosscheck,
)
from .analysis.gating.release_gate import (
    gate as gate,
)
from .analysis.reconcile.reconcile import (
    reconcile as reconcile,
)
from .analysis.reconcile.reconciliation import (
    Reconciliation as Reconciliation,
)
from .datasets.checks.checking import (
    check as check,
)
from .datasets.checks.checking import (
    check_parts as check_parts,
)
from .datasets.checks.findings import (
    CheckReport as CheckReport,
)
from .datasets.checks.findings import (
    Finding as Finding,
)
from .datasets.conversion import (
    Conversion as Conversion,
)
from .datasets.conversion import (
    convert as convert,
)
from .datasets.overview import (
    Overview as Overview,
)
from .datasets.overview import (
    stats as stats,
)
from .datasets.partitioning.dividing import (
    Partition as Partition,
)
from .datasets.partitioning.dividing import (
    partition as partition,
)
from .datasets.splitting import (
    Split as Split,
)
from .datasets.splitting import (
    split as split,
)
from .evaluation.evaluation import (
    evaluate as evaluate,
)
from .evaluation.result import (
    Evaluation as Evaluation,
)
from .formats.format import (
    Format as Format,
)
from .formats.loading import (
    read_detections as read_detections,
)
from .formats.loading import (
    read_ground_truth as read_ground_truth,
)
from .formats.reading import (
    Reading as Reading,
)
from .foundation.errors import (
    AmbiguousIdError as AmbiguousIdError,
)
from .foundation.errors import (
    DetmetricsError as DetmetricsError,
)
from .foundation.errors import (
    DetmetricsWarning as DetmetricsWarning,
)
from .foundation.errors import (
    FormatError as FormatError,
)
from .foundation.errors import (
    InputError as InputError,
)
from .foundation.errors import (
    OutputError as OutputError,
)
from .foundation.errors import (
    PartsError as PartsError,
)
from .foundation.errors import (
    RulesError as RulesError,
)
from .foundation.errors import (
    TableError as TableError,
)
from .foundation.errors import (
    UnknownIdError as UnknownIdError,
)
from .foundation.errors import (
    WorkerError as WorkerError,
)
from .foundation.version import (
    __version__ as __version__,
)
from .matching.matches import (
    Matches as Matches,
)
from .matching.merging import (
    merge_matches as merge_matches,
)
from .metrics.curves import (
    Curve as Curve,
)
from .metrics.of_matches import (
    summarize_matches as summarize_matches,
)
from .metrics.summary import (
    Summary as Summary,
)
from .overlap.masks.masks import (
    Masks as Masks,
)
from .overlap.polygons.polygons import (
    Polygons as Polygons,
)
from .overlap.polygons.polygons import (
    Rectangles as Rectangles,
)
from .parts.evaluation import (
    evaluate_parts as evaluate_parts,
)
from .parts.result import (
    PartsEvaluation as PartsEvaluation,
)
from .rules import (
    CITYPERSONS as CITYPERSONS,
)
from .rules import (
    COCO as COCO,
)
from .rules import (
    COCO_ORIENTED as COCO_ORIENTED,
)
from .rules import (
    COCO_SEGM as COCO_SEGM,
)
from .rules import (
    CROWDHUMAN as CROWDHUMAN,
)
from .rules import (
    DOTA as DOTA,
)
from .rules import (
    DOTA_EVERY as DOTA_EVERY,
)
from .rules import (
    KITTI as KITTI,
)
from .rules import (
    KITTI_R11 as KITTI_R11,
)
from .rules import (
    LVIS as LVIS,
)
from .rules import (
    LVIS_FIXED as LVIS_FIXED,
)
from .rules import (
    OLRP as OLRP,
)
from .rules import (
    OPEN_IMAGES as OPEN_IMAGES,
)
from .rules import (
    OPEN_IMAGES_CHALLENGE as OPEN_IMAGES_CHALLENGE,
)
from .rules import (
    RULE_SETS as RULE_SETS,
)
from .rules import (
    TORCHMETRICS as TORCHMETRICS,
)
from .rules import (
    ULTRALYTICS as ULTRALYTICS,
)
from .rules import (
    ULTRALYTICS_2025 as ULTRALYTICS_2025,
)
from .rules import (
    ULTRALYTICS_OBB as ULTRALYTICS_OBB,
)
from .rules import (
    VOC2007 as VOC2007,
)
from .rules import (
    VOC2012 as VOC2012,
)
from .rules import (
    AreaRange as AreaRange,
)
from .rules import (
    ClassRule as ClassRule,
)
from .rules import (
    Rules as Rules,
)
from .rules.toml import (
    rule_set as rule_set,
)
from .tables import (
    Detections as Detections,
)
from .tables import (
    GroundTruth as GroundTruth,
)
from .tables.catalog import (
    Catalog as Catalog,
)
from .training.history import (
    EarlyStopping as EarlyStopping,
)
from .training.history import (
    History as History,
)
from .training.metric import (
    DetectionMetric as DetectionMetric,
)
