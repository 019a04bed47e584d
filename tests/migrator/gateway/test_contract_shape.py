"""The concrete gateway has the contract's very methods, and nothing else of `migrator` knows Azure's SDK."""

import inspect
import re
from pathlib import Path

import migrator
from migrator.gateway.arm import ArmGateway
from migrator.gateway.protocol import AzureGateway


def test_every_method_of_the_contract_is_there_with_its_signature() -> None:
    wanted = {n: m for n, m in vars(AzureGateway).items() if inspect.isfunction(m) and not n.startswith("_")}
    assert len(wanted) == 17
    for name, method in wanted.items():
        assert inspect.signature(getattr(ArmGateway, name)) == inspect.signature(method), name
        assert (method.__doc__ or "").strip(), name


def test_only_the_modules_of_the_wire_import_the_sdk() -> None:
    root = Path(migrator.__file__).parent
    sdk = re.compile(r"^\s*(?:from|import) (?:azure|msal|requests)\b", re.MULTILINE)
    found = {str(path.relative_to(root)) for path in root.rglob("*.py") if sdk.search(path.read_text())}
    older_api = {"gateway/service_management.py", "gateway/service_management_calls.py"}
    assert {"gateway/arm.py", "gateway/credentials.py"} <= found
    assert found <= {"gateway/arm.py", "gateway/azure.py", "gateway/credentials.py", *older_api}
