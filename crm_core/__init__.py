"""The rules of the customer system: models, validation and services, without any user interface."""

__version__ = "0.1.0"
