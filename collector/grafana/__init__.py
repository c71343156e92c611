"""What Grafana shows of Celery: seven dashboards as code, and what draws them without a Grafana."""
