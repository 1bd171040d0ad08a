"""How tensors are addressed: canonical names, ids and selectors.

Sections 2 and 7 of proto/lehr/v1/NOISE.md. Names are bytes in UTF-8; they are not normalised.

    >>> hex(tensor_id("module._orig_mod.weight")), selects("layers.*", "layers.0.weight")
    ('0x844df8fee9eeada', True)
"""

import functools
import hashlib

_WRAPPERS = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_fpw_module",
                       "_checkpoint_wrapped_module"})
_STAR, _QUESTION_MARK = b"*?"


# A model has the same names at every step.
@functools.lru_cache(maxsize=1 << 16)
def canonical_name(name: str) -> str:
    """The name without the components that data-parallel, compiling and checkpointing wrappers
    add, wherever they stand except at the end."""
    *path, last = name.split(".")
    return ".".join([part for part in path if part not in _WRAPPERS] + [last])


@functools.lru_cache(maxsize=1 << 16)
def tensor_id(name: str) -> int:
    """The first 8 bytes of the SHA-256 of the canonical name, first byte most significant."""
    digest = hashlib.sha256(_utf8(canonical_name(name))).digest()
    return int.from_bytes(digest[:8], "big")


def selects(selector: str, name: str) -> bool:
    """Whether the glob matches the whole canonical name: `*` stands for any bytes, also none and
    also dots, `?` for one byte, everything else for itself. An empty selector is `*`.

    Takes at most the pattern's length times the name's in time.
    """
    pattern, text = _utf8(selector or "*"), _utf8(name)
    p = t = 0
    # Where to go on after a mismatch: behind the last star, with one more byte given to it.
    after_star, star_end = None, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == _STAR:
            p += 1
            if p == len(pattern):
                return True
            after_star, star_end = p, t
        elif p < len(pattern) and pattern[p] in (_QUESTION_MARK, text[t]):
            p, t = p + 1, t + 1
        elif after_star is not None:
            star_end += 1
            p, t = after_star, star_end
        else:
            return False
    return not pattern[p:].strip(b"*")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
