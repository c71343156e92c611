"""A shop with a web server, a worker and a beat, each in a process of its own, and their traces in the real Jaeger."""
