"""Hooks of MkDocs for the site of docs/: see mkdocs.yml."""
