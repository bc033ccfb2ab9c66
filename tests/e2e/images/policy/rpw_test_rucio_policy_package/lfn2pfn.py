"""Where a file lies on a storage element."""


def lfn2pfn(scope, name, rse, rse_attributes, protocol_attributes):
    """A path nobody else makes. Newer Rucio also takes the function of this name, in the module of this name, as default."""
    del rse, rse_attributes, protocol_attributes
    return f"rpw-test/{scope}/{name}"
