"""Holds every number that README.md and docs/ say in prose against the command or file that it is from."""
