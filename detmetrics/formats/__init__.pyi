"""What authors of formats need, and the registry."""

from .authoring import (
    Format as Format,
)
from .authoring import (
    FormatError as FormatError,
)
from .authoring import (
    Given as Given,
)
from .authoring import (
    Images as Images,
)
from .authoring import (
    Keys as Keys,
)
from .authoring import (
    LineTable as LineTable,
)
from .authoring import (
    Reading as Reading,
)
from .authoring import (
    Sheet as Sheet,
)
from .authoring import (
    Side as Side,
)
from .authoring import (
    Source as Source,
)
from .authoring import (
    Written as Written,
)
from .authoring import (
    line_table as line_table,
)
from .registry import (
    choose as choose,
)
from .registry import (
    formats as formats,
)
from .registry import (
    recognised as recognised,
)
