"""Sizes of roles and virtual machines: cores, memory, the name after the migration, the usages row they count against.

Cores and memory of the 124 sizes of `_RECORDED`: the service-management list of role sizes as recorded in 2018
(Azure/migAz, MIT licence, the recorded answer of a real subscription). Aliases, names after the migration and
recommended names: azure.md 4.3 (azure-docs `cloud-services-sizes-specs.md`, cs-pre, cs-post) [D]. Usage families: [K],
general knowledge which a live usages list has to confirm; a family which that list does not show is *unknown*, never
fine. Where the Resource SKUs list of a region can be read it is the authority (azure.md 4.3), not this table.

Below `units` in the order of imports: readiness, quota and translation all read it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from migrator.resources import UNKNOWN, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One size. `aliases` are the other spellings of the same size; names are compared case-insensitively."""

    name: str  # as service management lists it: "Small", "A5", "Standard_D2_v2"
    aliases: tuple[str, ...] = ()
    cores: int | Unknown = UNKNOWN
    memory_mb: int | Unknown = UNKNOWN
    arm_name: str = ""  # what the migration makes of it (cs-post) [D]; the size itself where it is not a legacy one
    recommended: str | None = None  # what cs-pre says to use instead; None: nothing (deprecated, or nothing to change)
    deprecated: bool = False  # no mapped name: choose another size before the migration (CS-SIZE-DEPRECATED)
    legacy: bool = False  # listed by CS-LEGACY-SIZE: the name changes on the way
    family: str | Unknown = UNKNOWN  # row of the Microsoft.Compute usages list [K]
    web_worker: bool | Unknown = UNKNOWN  # a web or worker role may take it
    virtual_machine: bool | Unknown = UNKNOWN


# name cores memory-in-MB who (w: web and worker roles, v: virtual machines)
_RECORDED: Final = """
A10 8 57344 wv; A11 16 114688 wv; A5 2 14336 wv; A6 4 28672 wv; A7 8 57344 wv; A8 8 57344 wv; A9 16 114688 wv
Basic_A0 1 768 v; Basic_A1 1 1792 v; Basic_A2 2 3584 v; Basic_A3 4 7168 v; Basic_A4 8 14336 v; ExtraLarge 8 14336 wv
ExtraSmall 1 768 wv; Large 4 7168 wv; Medium 2 3584 wv; Small 1 1792 wv; Standard_A1_v2 1 2048 wv
Standard_A2_v2 2 4096 wv; Standard_A2m_v2 2 16384 wv; Standard_A4_v2 4 8192 wv; Standard_A4m_v2 4 32768 wv
Standard_A8_v2 8 16384 wv; Standard_A8m_v2 8 65536 wv; Standard_D1 1 3584 wv; Standard_D1_v2 1 3584 wv
Standard_D11 2 14336 wv; Standard_D11_v2 2 14336 wv; Standard_D11_v2_Promo 2 14336 v; Standard_D12 4 28672 wv
Standard_D12_v2 4 28672 wv; Standard_D12_v2_Promo 4 28672 v; Standard_D13 8 57344 wv; Standard_D13_v2 8 57344 wv
Standard_D13_v2_Promo 8 57344 v; Standard_D14 16 114688 wv; Standard_D14_v2 16 114688 wv
Standard_D14_v2_Promo 16 114688 v; Standard_D15_v2 20 143360 wv; Standard_D16_v3 16 65536 wv
Standard_D16s_v3 16 65536 v; Standard_D2 2 7168 wv; Standard_D2_v2 2 7168 wv; Standard_D2_v2_Promo 2 7168 v
Standard_D2_v3 2 8192 wv; Standard_D2s_v3 2 8192 v; Standard_D3 4 14336 wv; Standard_D3_v2 4 14336 wv
Standard_D3_v2_Promo 4 14336 v; Standard_D4 8 28672 wv; Standard_D4_v2 8 28672 wv; Standard_D4_v2_Promo 8 28672 v
Standard_D4_v3 4 16384 wv; Standard_D4s_v3 4 16384 v; Standard_D5_v2 16 57344 wv; Standard_D5_v2_Promo 16 57344 v
Standard_D8_v3 8 32768 wv; Standard_D8s_v3 8 32768 v; Standard_DS1 1 3584 v; Standard_DS1_v2 1 3584 v
Standard_DS11 2 14336 v; Standard_DS11_v2 2 14336 v; Standard_DS11_v2_Promo 2 14336 v; Standard_DS12 4 28672 v
Standard_DS12_v2 4 28672 v; Standard_DS12_v2_Promo 4 28672 v; Standard_DS13 8 57344 v; Standard_DS13_v2 8 57344 v
Standard_DS13_v2_Promo 8 57344 v; Standard_DS14 16 114688 v; Standard_DS14_v2 16 114688 v
Standard_DS14_v2_Promo 16 114688 v; Standard_DS15_v2 20 143360 v; Standard_DS2 2 7168 v; Standard_DS2_v2 2 7168 v
Standard_DS2_v2_Promo 2 7168 v; Standard_DS3 4 14336 v; Standard_DS3_v2 4 14336 v; Standard_DS3_v2_Promo 4 14336 v
Standard_DS4 8 28672 v; Standard_DS4_v2 8 28672 v; Standard_DS4_v2_Promo 8 28672 v; Standard_DS5_v2 16 57344 v
Standard_DS5_v2_Promo 16 57344 v; Standard_E16_v3 16 131072 wv; Standard_E16s_v3 16 131072 v
Standard_E2_v3 2 16384 wv; Standard_E2s_v3 2 16384 v; Standard_E32_v3 32 262144 wv; Standard_E32s_v3 32 262144 v
Standard_E4_v3 4 32768 wv; Standard_E4s_v3 4 32768 v; Standard_E8_v3 8 65536 wv; Standard_E8s_v3 8 65536 v
Standard_F1 1 2048 v; Standard_F16 16 32768 v; Standard_F16s 16 32768 v; Standard_F1s 1 2048 v; Standard_F2 2 4096 v
Standard_F2s 2 4096 v; Standard_F4 4 8192 v; Standard_F4s 4 8192 v; Standard_F8 8 16384 v; Standard_F8s 8 16384 v
Standard_G1 2 28672 wv; Standard_G2 4 57344 wv; Standard_G3 8 114688 wv; Standard_G4 16 229376 wv
Standard_G5 32 458752 wv; Standard_GS1 2 28672 v; Standard_GS2 4 57344 v; Standard_GS3 8 114688 v
Standard_GS4 16 229376 v; Standard_GS5 32 458752 v; Standard_H16 16 114688 wv; Standard_H16m 16 229376 wv
Standard_H16mr 16 229376 wv; Standard_H16r 16 114688 wv; Standard_H8 8 57344 wv; Standard_H8m 8 114688 wv
Standard_L16s 16 131072 v; Standard_L32s 32 262144 v; Standard_L4s 4 32768 v; Standard_L8s 8 65536 v"""

# azure.md 4.3: classic size, alias, name after the migration, recommended now (- : deprecated, none).
_LEGACY: Final = """
ExtraSmall A0 Standard_A0 Standard_A1_v2
Small A1 Standard_A1 Standard_A1_v2
Medium A2 Standard_A2 Standard_A2_v2
Large A3 Standard_A3 Standard_A4_v2
ExtraLarge A4 Standard_A4 Standard_A8_v2
A5 - Standard_A5 Standard_A2m_v2
A6 - Standard_A6 Standard_A4m_v2
A7 - Standard_A7 Standard_A8m_v2
A8 - Standard_A8 -
A9 - Standard_A9 -
A10 - Standard_A10 -
A11 - Standard_A11 -
MSODSG5 - Standard_MSODSG5 -
"""

# First pattern that matches the name after the migration wins. All spellings [K]; azure.md 5.1 lists the first ten.
_FAMILIES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), family)
    for pattern, family in (
        (r"standard_a[0-7]", "standardA0_A7Family"),
        (r"standard_a(8|9|10|11)", "standardA8_A11Family"),
        (r"standard_a\d+m?_v2", "standardAv2Family"),
        (r"basic_a\d", "basicAFamily"),
        (r"standard_d\d+", "standardDFamily"),
        (r"standard_d\d+_v2", "standardDv2Family"),
        (r"standard_d\d+_v3", "standardDv3Family"),
        (r"standard_e\d+_v3", "standardEv3Family"),
        (r"standard_g\d", "standardGFamily"),
        (r"standard_h\d+(m|r|mr)?", "standardHFamily"),
        (r"standard_f\d+", "standardFFamily"),
        (r"standard_f\d+s", "standardFSFamily"),
        (r"standard_d\d+_v2_promo", "standardDv2PromoFamily"),
        (r"standard_ds\d+", "standardDSFamily"),
        (r"standard_ds\d+_v2", "standardDSv2Family"),
        (r"standard_ds\d+_v2_promo", "standardDSv2PromoFamily"),
        (r"standard_d\d+s_v3", "standardDSv3Family"),
        (r"standard_e\d+s_v3", "standardESv3Family"),
        (r"standard_gs\d", "standardGSFamily"),
        (r"standard_l\d+s", "standardLSFamily"),
    )
)


def _family(arm_name: str) -> str | Unknown:
    return next((family for pattern, family in _FAMILIES if pattern.fullmatch(arm_name)), UNKNOWN)


def _table() -> dict[str, Size]:
    legacy = {row[0]: row for row in (line.split() for line in _LEGACY.strip().splitlines())}
    recorded = [row.split() for row in _RECORDED.replace("\n", ";").split(";") if row.strip()]
    known = {row[0] for row in recorded}
    sizes = [_size(name, int(cores), int(memory), who, legacy.get(name)) for name, cores, memory, who in recorded]
    sizes += [_size(name, UNKNOWN, UNKNOWN, None, row) for name, row in legacy.items() if name not in known]
    table: dict[str, Size] = {}
    for size in sizes:
        for spelling in (size.name, *size.aliases, size.arm_name):
            table.setdefault(spelling.lower(), size)
    return table


def _size(name: str, cores: int | Unknown, memory: int | Unknown, who: str | None, row: list[str] | None) -> Size:
    _, alias, arm_name, recommended = row or (name, "-", name, "-")
    return Size(
        name=name,
        aliases=() if alias == "-" else (alias,),
        cores=cores,
        memory_mb=memory,
        arm_name=arm_name,
        recommended=None if recommended == "-" else recommended,
        deprecated=row is not None and recommended == "-",
        legacy=row is not None,
        family=_family(arm_name),
        web_worker=UNKNOWN if who is None else "w" in who,
        virtual_machine=UNKNOWN if who is None else "v" in who,
    )


SIZES: Final[Mapping[str, Size]] = _table()
"""Every spelling in lower case (classic name, alias, name after the migration) → its size."""


def size(name: str) -> Size | None:
    """The size called `name` in any of its spellings, or None: a size this table does not know is *unknown*."""
    return SIZES.get(name.strip().lower())
