"""For every rule the estates in which it says yes, no and unknown. Compared with the catalogue in test_rules.py.

Importing the two tables fills `CASES`.
"""

from tests.migrator.readiness import cases_infrastructure, cases_services
from tests.migrator.readiness.cases_base import CASES, LONE, NOW, PASSED, QUOTA, STORE, VMS, WEB, Case, refused

MIXED, RIP = cases_services.MIXED, cases_services.RIP
SPREAD, TWO_GATEWAYS = cases_infrastructure.SPREAD, cases_infrastructure.TWO_GATEWAYS

__all__ = [
    "CASES", "LONE", "MIXED", "NOW", "PASSED", "QUOTA", "RIP", "SPREAD", "STORE", "TWO_GATEWAYS", "VMS", "WEB", "Case",
    "refused",
]  # fmt: skip
