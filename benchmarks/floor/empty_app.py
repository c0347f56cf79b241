"""The empty page as this project serves its own pages: with uvicorn, and start-up objects out of the collector's sight."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from app import load_libraries


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """As in the project's own app: the same libraries, then the frozen heap."""
    load_libraries()
    gc.collect()
    gc.freeze()
    yield


app = st.App(Path(__file__).with_name("empty_page.py"), lifespan=lifespan)
