"""The documents the catalogue was read from: short name -> what it is. Short names are those of azure.md.

A page without a year bears no date we could verify; two pages of the same commit as a dated one carry its year [I].
"""

from typing import Final

from migrator.readiness.rule import Source

DOCUMENTS: Final = {
    "seed0": "Platform supported migration of Cloud Services (classic), draft of October 2020",
    "seed1": "Platform supported migration of IaaS resources from classic to Resource Manager, May 2016",
    "cs-ov": "Cloud Services (extended support): in-place migration, overview",
    "cs-td": "Cloud Services (extended support): in-place migration, technical details",
    "cs-err": "Cloud Services (extended support): in-place migration, common errors and known issues",
    "cs-ps": "Cloud Services (extended support): in-place migration with PowerShell",
    "cs-post": "Cloud Services (extended support): changes after the migration",
    "cs-nonvnet": "Cloud Services (extended support): migrating deployments outside a virtual network",
    "cs-pre": "Cloud Services (extended support): prerequisites of a deployment",
    "cs-net": "Cloud Services (extended support): network configuration in the configuration file",
    "cs-faq": "Cloud Services (extended support): frequently asked questions",
    "cs-over": "Cloud Services (extended support): overview and retirement",
    "vm-ov": "Virtual machines: migration from classic to Resource Manager, overview",
    "vm-dd": "Virtual machines: migration from classic to Resource Manager, technical deep dive",
    "vm-err": "Virtual machines: migration from classic to Resource Manager, errors and mitigations",
    "vm-ps": "Virtual machines: migration from classic to Resource Manager with PowerShell",
    "vm-plan": "Virtual machines: planning the migration from classic to Resource Manager",
    "vm-faq": "Virtual machines: migration from classic to Resource Manager, frequently asked questions",
    "vm-retire": "Virtual machines: retirement of classic virtual machines",
    "vnet-ps": "Virtual networks: migrating a classic virtual network with PowerShell",
    "vpn-mig": "VPN gateway: migration from classic to Resource Manager",
    "stg-mig": "Storage: migrating classic storage accounts",
    "stg-proc": "Storage: the process of migrating a classic storage account",
    "stg-blog": "Azure Storage blog on the retirement of classic storage accounts",
    "classic-admins": "Role-based access control: classic subscription administrators",
    "rbac-ops": "Role-based access control: operations of the resource providers",
    "sec-jit": "Defender for Cloud: just-in-time access to virtual machines",
    "common": "General knowledge of Azure, not published as such; confirm it against a live subscription",
}

YEARS: Final = {"seed0": 2020, "seed1": 2016, "stg-blog": 2024, "cs-over": 2026, "cs-ps": 2026}
"""cs-over and cs-ps are of the same commit as a reference page dated 2026-03-08 [I]."""


def source(document: str, row: str = "") -> Source:
    """A source with its year, where the document has one. Raises KeyError for a document not listed above."""
    if document not in DOCUMENTS:
        raise KeyError(f"{document} is not a document of the catalogue; list it in migrator/readiness/sources.py.")
    return Source(document, row, YEARS.get(document))


def sources(*texts: str) -> tuple[Source, ...]:
    """`sources("seed0 S0-D2", "cs-td", "cs-err E09")`: document and row, parted by a space."""
    return tuple(source(*text.split(" ", 1)) for text in texts)
