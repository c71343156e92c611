"""What a process and its descendants use of the machine: memory, CPU, disk, files, threads, and the machine's GPUs."""
