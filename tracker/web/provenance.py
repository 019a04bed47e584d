"""Where facts come from and how old they are, in the words of the pages."""

import re

SOURCES = {
    "graph": "Resource Graph",
    "arm": "Resource Manager",
    "service-management": "Service management",
    "file": "Imported file",
    "": "Not recorded",
}


def source_words(source: str) -> str:
    """Who said something; a source nobody named here by its own name."""
    return SOURCES.get(source, source)


def field_words(path: str) -> str:
    """`properties.hardwareProfile.size` → `hardware profile, size`."""
    parts = path.removeprefix("properties.").split(".")
    return ", ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", part).lower() for part in parts)
