"""The rules for single values, by kind of value.

A check receives the entered value and the record's values, and returns the clean value or raises `ValueError` with a sentence.
"""
