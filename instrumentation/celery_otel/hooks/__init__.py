"""Where Celery is listened to. Celery's internals are known here and nowhere else."""
