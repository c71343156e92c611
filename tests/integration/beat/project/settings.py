"""A Django project that has nothing but django-celery-beat. `PROJECT_DATABASE` is its SQLite file."""

import os

INSTALLED_APPS = ["django_celery_beat"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["PROJECT_DATABASE"]}}
USE_TZ = True
TIME_ZONE = "UTC"
