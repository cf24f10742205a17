"""Work over batches: on threads, or on the Dask cluster that DASK_SCHEDULER_ADDRESS names."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, TypeVar

from ..errors import Refused

T = TypeVar("T")
R = TypeVar("R")
_BATCH = 500


def in_batches(function: Callable[[list[T]], list[R]], items: list[T]) -> list[R]:
    """Apply a function to the items batch by batch and join the results in order: the same wherever it runs.

    Args:
        function: of an importable module (a partial of one will do), as it may have to travel.

    Raises:
        Refused: the cluster is not there, or Dask is not installed.
    """
    batches = [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if not address:
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            return [result for results in pool.map(function, batches) for result in results]
    try:
        distributed: Any = import_module("distributed")
        with distributed.Client(address, timeout=10, set_as_default=False) as client:
            done = client.gather(client.map(function, batches, pure=False))
            return [result for results in done for result in results]
    except ImportError:
        raise Refused("DASK_SCHEDULER_ADDRESS needs Dask: install the extra `scale`, or unset it.") from None
    except OSError as error:
        raise Refused(f"No Dask scheduler answers at {address}: start it, or unset DASK_SCHEDULER_ADDRESS.") from error
