"""What anyone may send: any JSON, and texts that try to be more than text."""

from __future__ import annotations

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

NASTY = st.text(alphabet="a\r\n\x00\x1b[m\u2028\u202e\ud800:/ ", max_size=24)
