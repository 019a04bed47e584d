"""The walls of the house (architecture.md 2 and 3): who may import whom, where state changes, what is at the top."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLICES = ("accounts", "audit", "inventory", "readiness", "quota", "followups", "connections", "waves", "fixes", "runs")
WRITES = {
    "save",
    "create",
    "update",
    "delete",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "abulk_create",
    "acreate",
}
TOP_LEVEL = {
    "manage.py",
    "pyproject.toml",
    "README.md",
    "migrator",
    "tracker",
    "templates",
    "tests",
    "compose",
    "LICENSE",
    "CHANGELOG.md",
}


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_top_level_is_closed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    top = {name.split("/")[0] for name in listed if name}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def _sources(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if "migrations" not in path.parts]


def _model_writes(path: Path) -> list[str]:
    """Calls such as `Run.objects.filter(…).update(…)`, `row.save()`: a write on something that looks like a model."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES):
            continue
        text = ast.unparse(node.func)
        through_manager = ".objects." in text or ".all()." in text
        if through_manager or (node.func.attr in ("save", "delete") and not node.args):
            found.append(f"{path.relative_to(ROOT)}:{node.lineno} {text}")
    return found


def test_models_are_written_only_by_actions_of_their_own_slice() -> None:
    elsewhere = []
    for path in _sources(ROOT / "tracker"):
        parts = path.relative_to(ROOT / "tracker").parts
        if parts[0] in SLICES and parts[1].removesuffix(".py") == "actions":
            continue
        elsewhere += _model_writes(path)
    assert elsewhere == []


def _models(slice_name: str) -> set[str]:
    tree = ast.parse((ROOT / "tracker" / slice_name / "models.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


@pytest.mark.parametrize("slice_name", SLICES)
def test_actions_write_only_models_of_their_own_slice(slice_name: str) -> None:
    others = {name for other in SLICES if other != slice_name for name in _models(other)}
    foreign = []
    for path in _sources(ROOT / "tracker" / slice_name):
        for line in _model_writes(path):
            name = line.split(" ", 1)[1].split(".objects.")[0]
            if ".objects." in line and name in others:
                foreign.append(line)
    assert foreign == []


def test_nothing_listens_to_signals() -> None:
    guilty = []
    for path in _sources(ROOT / "tracker"):
        text = path.read_text(encoding="utf-8")
        if "django.db.models.signals" in text or "@receiver" in text:
            guilty.append(str(path.relative_to(ROOT)))
    assert guilty == []


def test_below_the_lid_nobody_reads_the_clock_or_a_request() -> None:
    guilty = []
    for folder in [ROOT / "migrator", *(ROOT / "tracker" / name for name in SLICES)]:
        for path in _sources(folder):
            if "simulator" in path.parts:  # a platform has a clock of its own
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "timezone.now",
                    "datetime.now",
                    "datetime.utcnow",
                    "datetime.today",
                    "date.today",
                    "time.time",
                ):
                    guilty.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    # A token's expiry is the gateway's own business; the guard of a page is part of the lid, though it lives below.
    allowed = {"migrator/gateway", "tracker/accounts/decorators.py"}
    assert [line for line in guilty if not any(line.startswith(prefix) for prefix in allowed)] == []


def test_no_registry_or_download_address_is_named() -> None:
    words = ("pypi" + ".org", "files.pythonhosted" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    guilty = []
    for name in listed:
        path = ROOT / name
        if (
            name
            and path.is_file()
            and path.suffix in ("", ".py", ".txt", ".md", ".toml", ".yaml", ".html", ".sample", ".sh")
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            guilty += [f"{name}: {word}" for word in words if word in text]
    assert guilty == []
