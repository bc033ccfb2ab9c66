"""A Rucio policy package for tests: each part decides something that Rucio's generic policy would decide otherwise."""

from rpw_test_rucio_policy_package import lfn2pfn

# Rucio refuses to load a package made for another version.
SUPPORTED_VERSION = [">=37.0", "<42.0"]


def get_algorithms():
    """The algorithms by type and name. With several VOs a name must begin with its VO: here the VO is "rpw"."""
    return {"lfn2pfn": {"rpw_test": lfn2pfn.lfn2pfn}}
