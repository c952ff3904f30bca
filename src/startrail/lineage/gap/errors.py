"""Why two metrics cannot be compared slot by slot."""

from __future__ import annotations

from startrail.base.errors import ModelError


class NotComparable(ModelError):
    """Two metrics differ in more than slots that can be swapped one by one.

    Nothing is attributed, because any split of the gap would be made up. The message names the place. Bring both
    definitions to the same aggregate and the same join conditions, or compare the rows themselves.
    """

    code = "ST458"


class OpaqueSql(ModelError):
    """The slots of a plain SQL metric cannot be read from its text, nor can the text be mixed with another.

    Readable is one SELECT of one aggregate (or one divided by another) over a table, its joins, and WHERE conditions; the
    period as ``column >= $start and column < $end``. Other texts are mixed place by place, unless they answer differently
    each time or take one of the rows that tie. The message names what stands there.
    """

    code = "ST451"
