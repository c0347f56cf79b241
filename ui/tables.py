"""The height of a table that shows all its rows without scrolling in itself."""

ROW_HEIGHT = 36
HEADER_HEIGHT = 32
BORDERS = 2


def height_of(rows: int) -> int:
    """The height of a table with so many rows of `ROW_HEIGHT`, neither cut nor with the beginning of an empty row."""
    return HEADER_HEIGHT + ROW_HEIGHT * rows + BORDERS
