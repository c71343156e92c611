"""What a worker keeps on disk so that its counts survive a SIGKILL of its main process.

A snapshot holds every number, and a log what has changed since, one line for each change of the ledger. A line says
what the numbers are now, not by how much they changed: reading it twice does no harm, and no rule of counting is needed
to read it. The next worker of the same name goes on from there.
"""
