"""The smallest Celery application, for starting a worker."""

from celery import Celery

app = Celery("echo")


@app.task(name="echo")
def echo(word: str) -> str:
    """Give the word back."""
    return word
