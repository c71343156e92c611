"""A small Celery application on real data: models, pictures, texts and an unreliable server."""
