"""Work over batches: on threads, or on the Dask cluster that DASK_SCHEDULER_ADDRESS names."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar

from ..errors import Refused

T = TypeVar("T")
R = TypeVar("R")


def batches(items: Iterable[T], size: int = 500) -> list[list[T]]:
    """The items in lists of at most this many."""
    rest = iter(items)
    return list(iter(lambda: list(islice(rest, size)), []))


def map_batches(function: Callable[[list[T]], list[R]], work: Sequence[list[T]]) -> list[R]:
    """Apply a function to every batch and join the results in order: the same wherever it runs.

    Args:
        function: of an importable module (a partial of one will do), as it may have to travel.

    Raises:
        Refused: the cluster is not there, or Dask is not installed.
    """
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if not address:
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            return [result for results in pool.map(function, work) for result in results]
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise Refused("DASK_SCHEDULER_ADDRESS needs Dask: install the extra `scale`, or unset it.") from None
    try:
        with distributed.Client(address, timeout=10, set_as_default=False) as client:
            return [result for results in client.gather(client.map(function, work, pure=False)) for result in results]
    except OSError as error:
        raise Refused(f"No Dask scheduler answers at {address}: start it, or unset DASK_SCHEDULER_ADDRESS.") from error
