"""What names may look like. Whatever is not here, Rucio takes from its generic schema."""

SCOPE_LENGTH = 77  # the generic schema says 25

SCOPE = {"description": "Scope name", "type": "string", "maxLength": SCOPE_LENGTH, "pattern": "^[a-zA-Z_\\-.0-9]+$"}

SCOPE_NAME_REGEXP = "/([^/]+)/(.*)"

SCHEMAS = {"scope": SCOPE}
