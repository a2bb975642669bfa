"""The names that functions have in other libraries, and those here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

# Parts of names elsewhere, in lower case and without underscores, and the same parts here.
_PARTS = (
    ("withindices", "withargmax"),
    ("generali[sz]edmean", "powermean"),
    ("pooling", "pool"),
    ("average|(?<!power)mean", "avg"),
    ("maximum", "max"),
    ("minimum", "min"),
    ("l[12]pool", "lppool"),
)
_WHOLE = {
    **dict.fromkeys(("gem", "gempool", "globalgem", "globalgempool"), "global_power_mean_pool"),
    **dict.fromkeys(("spp", "spatialpyramidpool", "pyramidpool", "temporalpyramidpool"), "pyramid_pool"),
    "rmac": "rmac_pool",
    **{f"segment{kind}": f"segment_{kind}_pool" for kind in ("sum", "avg", "max", "min", "softmax", "std", "var")},
    "globaladdpool": "segment_sum_pool",
    **dict.fromkeys(("lasttokenpool", "lasttoken", "globaltokenpool"), "global_last_pool"),
    **dict.fromkeys(("clspool", "firsttokenpool"), "global_first_pool"),
    "gap": "global_avg_pool",
    **dict.fromkeys(("unfold", "im2col", "patches", "extractpatches", "slidingwindowview", "frame"), "windows"),
    **dict.fromkeys(("haar", "dwt", "dwtforward", "hwd", "haardownsampling"), "haar_pool"),
    **dict.fromkeys(("idwt", "dwtinverse"), "haar_unpool"),
    **dict.fromkeys(("flcpool", "flcpooling", "frequencylowcutpool"), "spectral_pool"),
    **dict.fromkeys(("toppool", "bottompool", "leftpool", "rightpool", "cummax"), "corner_pool"),
    "gmp": "global_max_pool",
    "globalpool": "global_avg_pool",
    "unpool": "max_unpool",
    **dict.fromkeys(("argmaxpool", "maxpoolargmax", "maxpoolindices"), "max_pool_with_argmax"),
    "reducewindow": "pool",
    **dict.fromkeys(("outputsize", "outshape", "poolshape"), "output_shape"),
}
_RANK = re.compile("[123]d|nd$")


def _bare(name: str) -> str:
    """A name without what differs between libraries: case, underscores, words for the same thing."""
    bare = name.lower().replace("_", "")
    for theirs, ours in _PARTS:
        bare = re.sub(theirs, ours, bare)
    return bare


def meant_by(name: str, functions: Sequence[str]) -> list[str]:
    """The functions that a name can stand for in another library, or the one that is spelled alike."""
    bare = _bare(name)
    same = [function for function in functions if _bare(function) == bare]
    if same:
        return same
    bare = _RANK.sub("", bare)
    same = [function for function in functions if _RANK.sub("", _bare(function)) == bare]
    if same or bare in _WHOLE:
        return same or [function for function in functions if _bare(function) == _bare(_WHOLE[bare])]
    known = {_bare(function): function for function in functions}
    return [known[close] for close in difflib.get_close_matches(_bare(name), known, 1, 0.9)]
