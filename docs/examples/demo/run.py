#!/usr/bin/env python
"""Start the demo: `make demo` calls this file, and so may you, with `collector` on the PYTHONPATH."""

import runpy

if __name__ == "__main__":
    runpy.run_module("driver", run_name="__main__")
