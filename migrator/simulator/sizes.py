"""Role sizes: cores (recorded `rolesizes.xml`, 2018), the Resource Manager name after migration and the usages family.

Legacy names become `Standard_A*` during the migration (azure.md 4.3, old map; 13.10). Families are tagged [K] there.
"""

import re
from typing import Final

CORES: Final[dict[str, int]] = {
    "extrasmall": 1, "small": 1, "medium": 2, "large": 4, "extralarge": 8,
    "a5": 2, "a6": 4, "a7": 8, "a8": 8, "a9": 16, "a10": 8, "a11": 16,
    "standard_a0": 1, "standard_a1": 1, "standard_a2": 2, "standard_a3": 4, "standard_a4": 8, "standard_a5": 2,
    "standard_a6": 4, "standard_a7": 8, "standard_a8": 8, "standard_a9": 16, "standard_a10": 8, "standard_a11": 16,
    "basic_a0": 1, "basic_a1": 1, "basic_a2": 2, "basic_a3": 4, "basic_a4": 8,
    "standard_a1_v2": 1, "standard_a2_v2": 2, "standard_a2m_v2": 2, "standard_a4_v2": 4, "standard_a4m_v2": 4,
    "standard_a8_v2": 8, "standard_a8m_v2": 8,
    "standard_d1": 1, "standard_d2": 2, "standard_d3": 4, "standard_d4": 8,
    "standard_d11": 2, "standard_d12": 4, "standard_d13": 8, "standard_d14": 16,
    "standard_ds1": 1, "standard_ds2": 2, "standard_ds3": 4, "standard_ds4": 8,
    "standard_ds11": 2, "standard_ds12": 4, "standard_ds13": 8, "standard_ds14": 16,
    "standard_d1_v2": 1, "standard_d2_v2": 2, "standard_d3_v2": 4, "standard_d4_v2": 8, "standard_d5_v2": 16,
    "standard_d11_v2": 2, "standard_d12_v2": 4, "standard_d13_v2": 8, "standard_d14_v2": 16, "standard_d15_v2": 20,
    "standard_ds1_v2": 1, "standard_ds2_v2": 2, "standard_ds3_v2": 4, "standard_ds4_v2": 8, "standard_ds5_v2": 16,
    "standard_ds11_v2": 2, "standard_ds12_v2": 4, "standard_ds13_v2": 8, "standard_ds14_v2": 16, "standard_ds15_v2": 20,
    "standard_d2_v3": 2, "standard_d4_v3": 4, "standard_d8_v3": 8, "standard_d16_v3": 16,
    "standard_d2s_v3": 2, "standard_d4s_v3": 4, "standard_d8s_v3": 8, "standard_d16s_v3": 16,
    "standard_e2_v3": 2, "standard_e4_v3": 4, "standard_e8_v3": 8, "standard_e16_v3": 16, "standard_e32_v3": 32,
    "standard_e2s_v3": 2, "standard_e4s_v3": 4, "standard_e8s_v3": 8, "standard_e16s_v3": 16, "standard_e32s_v3": 32,
    "standard_f1": 1, "standard_f2": 2, "standard_f4": 4, "standard_f8": 8, "standard_f16": 16,
    "standard_f1s": 1, "standard_f2s": 2, "standard_f4s": 4, "standard_f8s": 8, "standard_f16s": 16,
    "standard_g1": 2, "standard_g2": 4, "standard_g3": 8, "standard_g4": 16, "standard_g5": 32,
    "standard_gs1": 2, "standard_gs2": 4, "standard_gs3": 8, "standard_gs4": 16, "standard_gs5": 32,
    "standard_h8": 8, "standard_h8m": 8, "standard_h16": 16, "standard_h16m": 16, "standard_h16r": 16,
    "standard_h16mr": 16, "standard_l4s": 4, "standard_l8s": 8, "standard_l16s": 16, "standard_l32s": 32,
}  # fmt: skip

_OLD_MAP: Final = {
    "extrasmall": "Standard_A0", "small": "Standard_A1", "medium": "Standard_A2", "large": "Standard_A3",
    "extralarge": "Standard_A4", "a5": "Standard_A5", "a6": "Standard_A6", "a7": "Standard_A7",
    "a8": "Standard_A8", "a9": "Standard_A9", "a10": "Standard_A10", "a11": "Standard_A11",
    "msodsg5": "Standard_MSODSG5",
}  # fmt: skip

LEGACY: Final = frozenset(_OLD_MAP)
DEPRECATED: Final = frozenset(
    {"a8", "a9", "a10", "a11", "msodsg5"}
)  # no mapped name any more (azure.md CS-SIZE-DEPRECATED)
SPECIAL: Final = frozenset({"sqlg7", "sqlg7_amd", "cosmosdbg5_jbod"})  # CS-SIZE-SPECIAL

_FAMILIES: Final = (
    (r"standard_a([0-7])", "standardA0_A7Family"),
    (r"standard_a(8|9|10|11)", "standardA8_A11Family"),
    (r"standard_a\d+m?_v2", "standardAv2Family"),
    (r"basic_a\d", "basicAFamily"),
    (r"standard_ds\d+", "standardDSFamily"),
    (r"standard_d\d+", "standardDFamily"),
    (r"standard_ds\d+_v2(_promo)?", "standardDSv2Family"),
    (r"standard_d\d+_v2(_promo)?", "standardDv2Family"),
    (r"standard_d\d+s_v3", "standardDSv3Family"),
    (r"standard_d\d+_v3", "standardDv3Family"),
    (r"standard_e\d+s_v3", "standardESv3Family"),
    (r"standard_e\d+_v3", "standardEv3Family"),
    (r"standard_f\d+s", "standardFSFamily"),
    (r"standard_f\d+", "standardFFamily"),
    (r"standard_gs\d", "standardGSFamily"),
    (r"standard_g\d", "standardGFamily"),
    (r"standard_h\d+m?r?", "standardHFamily"),
    (r"standard_l\d+s", "standardLSFamily"),
)


def cores(size: str) -> int:
    """vCPUs of one instance; 0 for a size the recorded list does not name."""
    return CORES.get(size.lower().removesuffix("_promo"), 0)


def migrated(size: str) -> str:
    """The Resource Manager name a classic size has after the migration."""
    return _OLD_MAP.get(size.lower(), size)


def family(size: str) -> str:
    """The usages name of the family a (classic or new) size draws on; empty when unknown."""
    name = migrated(size).lower()
    return next((row for pattern, row in _FAMILIES if re.fullmatch(pattern, name)), "")
