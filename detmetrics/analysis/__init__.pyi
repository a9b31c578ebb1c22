"""The public analyses, and where each is defined."""

from .bootstrap import confidence_intervals as confidence_intervals
from .comparison import compare as compare
from .confusion import confusion_matrix as confusion_matrix
from .epoch_gains import paired_gain as paired_gain
from .error_kinds import error_types as error_types
from .gating.baseline import baseline_bytes as baseline_bytes
from .gating.baseline import read_baseline as read_baseline
from .gating.release_gate import gate as gate
from .gating.settings import GateSettings as GateSettings
from .hidden import blind_spots as blind_spots
from .model_ranks import compare_models as compare_models
from .parts_spread import part_intervals as part_intervals
from .planning import sample_size as sample_size
from .reliability import calibration as calibration
from .reliability import detection_ece as detection_ece
from .score_curves import operating_curves as operating_curves
from .seeds import compare_groups as compare_groups
from .sizes import by_bins as by_bins
from .slicing import part_of as part_of
from .slicing import slices as slices
from .thresholds import operating_points as operating_points
