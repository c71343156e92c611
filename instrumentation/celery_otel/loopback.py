"""Whether an address is this machine's own: what listens anywhere else needs a login."""

from ipaddress import ip_address


def is_loopback(address: str) -> bool:
    """Whether an address is reached from this machine alone. Names other than localhost may lead anywhere."""
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
