"""Loads what the server and the command line load, for the process whose copies `tests.copies` starts."""

import gc
import logging

logging.disable()  # Streamlit warns that nobody runs it yet

import app  # noqa: E402
import crm_core.cli  # noqa: E402
from crm_core import config  # noqa: E402

__all__ = ["app", "crm_core"]

app.load_libraries()
logging.disable(logging.NOTSET)
config.settings.cache_clear()
gc.collect()
gc.freeze()  # copies share what they leave alone
