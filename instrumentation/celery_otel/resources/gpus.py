"""The GPUs of the machine, by NVIDIA's management library, where its Python package is installed and finds one."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from celery_otel import names
from celery_otel.metric import Metric
from celery_otel.resources.reading import Figures


def installed_nvml() -> Any:
    """The package `pynvml`; None where it is not installed."""
    try:
        with warnings.catch_warnings():
            # One of its two distributions advertises the other.
            warnings.simplefilter("ignore")
            return import_module("pynvml")
    except Exception:  # noqa: BLE001  # whatever it is, there is nothing to read
        return None


class Gpus:
    """All GPUs that are visible, whoever uses them. What cannot be read is absent: so are all of them without a driver.

    Args:
        nvml: The package `pynvml`, or None.
    """

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._handles: dict[str, Any] = {}
        if nvml is not None:
            # An error of NVML's has a class of its own for each reason, and none of them matters.
            with suppress(Exception):
                self._open()

    def read(self) -> Mapping[str, Figures]:
        """What each of them is doing, by its number."""
        return {gpu: figures for gpu, handle in self._handles.items() if (figures := self._figures(handle))}

    def close(self) -> None:
        """Lets the library go."""
        if self._handles:
            self._handles = {}
            with suppress(Exception):
                self._nvml.nvmlShutdown()

    def _open(self) -> None:
        self._nvml.nvmlInit()
        count = self._nvml.nvmlDeviceGetCount()
        self._handles = {str(number): self._nvml.nvmlDeviceGetHandleByIndex(number) for number in range(count)}

    def _figures(self, handle: Any) -> Figures:
        asked: dict[Metric, Callable[[], float]] = {
            names.GPU_MEMORY_USED: lambda: int(self._nvml.nvmlDeviceGetMemoryInfo(handle).used),
            names.GPU_MEMORY_TOTAL: lambda: int(self._nvml.nvmlDeviceGetMemoryInfo(handle).total),
            names.GPU_UTILIZATION_PERCENT: lambda: float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu),
        }
        figures = {}
        for metric, ask in asked.items():
            # Part of a card that is shared out, for one, tells its memory and not its utilization.
            with suppress(Exception):
                figures[metric] = ask()
        return figures
