"""What metrics and spans are about: one service, and in it one worker node or one process that publishes."""

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_NAMESPACE, Resource

from celery_otel.settings import Settings


def worker_resource(settings: Settings, app_name: str, worker: str) -> Resource:
    """The resource of a worker.

    One worker node is one `service.instance.id`: its series go on when it is restarted, and no child ever has its own.

    Args:
        settings: The options; an identity given in `OTEL_RESOURCE_ATTRIBUTES` wins over the worker's name.
        app_name: The name of the Celery application, which names the service unless that is set.
        worker: The worker's name.
    """
    given = settings.resource_attributes
    return Resource.create(
        {
            SERVICE_NAME: settings.service_name or given.get(SERVICE_NAME) or app_name,
            SERVICE_INSTANCE_ID: given.get(SERVICE_INSTANCE_ID) or worker,
        }
    )


def worker_identity(settings: Settings, app_name: str, worker: str) -> dict[str, str]:
    """What the series of a worker are told apart by from those of all others: its service, and its own name in it.

    Args:
        settings: The options.
        app_name: The name of the Celery application.
        worker: The worker's name.
    """
    attributes = worker_resource(settings, app_name, worker).attributes
    known = {name: str(attributes.get(name, "")) for name in (SERVICE_NAMESPACE, SERVICE_NAME, SERVICE_INSTANCE_ID)}
    return {name: value for name, value in known.items() if value}


def producer_resource(settings: Settings, app_name: str) -> Resource:
    """The resource of a process that only publishes, such as a web server or beat.

    Its service is another one than the workers': with the same name Jaeger would draw no edge between them.

    Args:
        settings: The options; a name given there wins.
        app_name: The name of the Celery application.
    """
    given = settings.resource_attributes.get(SERVICE_NAME)
    return Resource.create({SERVICE_NAME: settings.service_name or given or f"{app_name}-producer"})
