"""Fictional content to look at and learn with, an area a module; `filling.py` says what is entered in which order."""
