"""Unit tests of the local pipeline and of the configuration that it runs."""
