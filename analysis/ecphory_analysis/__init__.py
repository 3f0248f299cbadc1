"""Opens Ecphory's results as xarray datasets and draws their figures."""

from .results import ResultError, open

__all__ = ["ResultError", "open"]
