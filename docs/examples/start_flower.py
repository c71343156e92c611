#!/usr/bin/env python
"""Starts Flower for `app.celery_app`: `python start_flower.py`. Change its options here."""

import sys

from celery.__main__ import main

OPTIONS = ["--port=5555", "--url-prefix=flower", "--db=flower.db", "--max-tasks=10000"]

if __name__ == "__main__":
    sys.argv = ["celery", "-A", "app.celery_app", "otel", "flower", *OPTIONS, *sys.argv[1:]]
    main()
