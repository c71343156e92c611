"""GPUs are read where the library and a device are; where they are not, they are silently absent."""

from types import SimpleNamespace

import pytest

from celery_otel import names
from celery_otel.resources.gpus import Gpus


class Nvml:
    """A stand-in for `pynvml`.

    Args:
        count: How many devices there are; None for a machine without a driver.
        shared: Whether they tell no utilization, as a part of a card that is shared out.
    """

    def __init__(self, count: int | None, *, shared: bool = False) -> None:
        self.count = count
        self.shared = shared
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802  # NVML's names
        """Opens the library."""
        if self.count is None:
            raise RuntimeError("driver not loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802  # NVML's names
        """Closes it."""
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802  # NVML's names
        """How many devices."""
        assert self.count is not None
        return self.count

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802  # NVML's names
        """One of them."""
        return number

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802  # NVML's names
        """Its memory."""
        return SimpleNamespace(used=100 + handle, total=1000)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:  # noqa: N802  # NVML's names
        """How busy it is."""
        if self.shared:
            raise RuntimeError("not supported")
        return SimpleNamespace(gpu=40 + handle)


def test_each_gpu_is_read() -> None:
    """Memory and utilization by its number; the library is let go at the end."""
    nvml = Nvml(2)
    gpus = Gpus(nvml)
    expected = {
        str(number): {
            names.GPU_MEMORY_USED: 100 + number,
            names.GPU_MEMORY_TOTAL: 1000,
            names.GPU_UTILIZATION_PERCENT: 40.0 + number,
        }
        for number in range(2)
    }
    assert expected == gpus.read()
    gpus.close()
    gpus.close()
    assert (0, {}) == (nvml.open, gpus.read())


def test_what_a_gpu_does_not_tell_is_absent() -> None:
    """The rest is there."""
    assert {"0": {names.GPU_MEMORY_USED: 100, names.GPU_MEMORY_TOTAL: 1000}} == Gpus(Nvml(1, shared=True)).read()


@pytest.mark.parametrize("nvml", [None, Nvml(None), Nvml(0), SimpleNamespace()])
def test_without_a_gpu_there_is_nothing(nvml: object) -> None:
    """No package, no driver, no device, or something else by that name: no series and no error."""
    assert {} == Gpus(nvml).read()
