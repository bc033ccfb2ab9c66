"""Where a file lies on a storage element."""


def lfn2pfn(scope, name, rse, rse_attributes, protocol_attributes):
    """A path nobody else makes. In newer Rucio a function of this name in a module of this name is the default."""
    del rse, rse_attributes, protocol_attributes
    return f"rpw-test/{scope}/{name}"
