"""Holds every number that README.md and docs/ say in prose against the command, file or other project that it is from."""
