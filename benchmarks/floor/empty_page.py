"""An empty page: what a rerun costs when a page does nothing."""

import streamlit as st

st.session_state.count = st.session_state.get("count", 0) + 1
st.button("Count")
st.write(f"runs: {st.session_state.count}")
