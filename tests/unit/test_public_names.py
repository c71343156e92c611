"""The public interface is exactly what is documented."""

import celery_otel


def test_the_public_names() -> None:
    """The package exports its calls and its errors, and nothing else."""
    expected = [
        "CeleryOtelError",
        "ConfigurationError",
        "current_training",
        "current_tuning",
        "get_celery_metrics_summary",
        "instrument",
        "setup_celery_metrics",
        "start_global_monitor",
        "stop_global_monitor",
        "subprocess_options",
        "training",
        "tuning",
        "uninstrument",
    ]
    assert expected == sorted(celery_otel.__all__)
    assert all(hasattr(celery_otel, name) for name in celery_otel.__all__)
