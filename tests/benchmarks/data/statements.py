"""SQL by name, out of a file beside this one: parts that begin with `-- :name`."""

import re
from pathlib import Path


def read(file: str) -> dict[str, str]:
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    parts = re.split(r"^-- :(\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
