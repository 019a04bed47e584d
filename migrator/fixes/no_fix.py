"""Remedies the catalogue calls automatable, in whole or in part, which are no fix: done elsewhere in the product, or by
a person, and why."""

from typing import Final

from migrator.fixes.values import NoFix, Place

_CAPTURED = "It is captured before Prepare by itself and owed as a follow-up after Commit; nothing has to be sent now."
_PACKAGE = "It takes a new package of the service, which only its developers can build."
_GATEWAY = (
    "Removing a gateway cuts off everybody who comes in over it, and its keys and address are lost; the devices at the "
    "other end have to be changed at the same time. A person does it, with both ends at hand."
)
_WHOLE_MACHINE = (
    "Switching this means to write the whole definition of the machine, and the answers Azure gives leave out what "
    "would have to be sent with it. A person does it in the portal or with PowerShell (Update-AzureVM)."
)

ELSEWHERE: Final[dict[str, NoFix]] = {
    "SUB-QUOTA-CORES": NoFix(why="More quota is asked for on the Quota page.", place=Place.QUOTA),
    "SUB-QUOTA-NET": NoFix(why="More quota is asked for on the Quota page.", place=Place.QUOTA),
    **{
        rule: NoFix(why=_CAPTURED, place=Place.FOLLOW_UPS)
        for rule in (
            *("SUB-RBAC", "CS-RBAC", "CS-AUTOSCALE", "CS-ALERTS", "CS-JIT", "CS-LABEL-TAGS", "VM-ALERTS", "STG-OWNER"),
        )
    },
    "SUB-BACKUP-CONFIG": NoFix(why="Every reading keeps a snapshot; sync shortly before Prepare.", place=Place.SYNC),
    "SUB-TEST-FIRST": NoFix(why="Place a test unit of the same make in an earlier wave.", place=Place.WAVES),
    "SUB-THROTTLE": NoFix(why="Give the network a wave of its own in a quiet hour.", place=Place.WAVES),
    "STG-ORDER": NoFix(why="Move those machines first: place the account in a later wave.", place=Place.WAVES),
    "STG-30DAYS": NoFix(why="The run of the account raises an alarm by itself.", place=Place.RUNS),
    "CS-BUSY": NoFix(why="It passes; sync again, and the finding is looked at anew.", place=Place.SYNC),
    "VM-STATE": NoFix(why="It passes; sync again, and the finding is looked at anew.", place=Place.SYNC),
    "CS-FEATURE-MISSING": NoFix(
        why="The platform's message names the features; they are registered on the Sync page.", place=Place.SYNC
    ),
    "CS-CSDEF-NAME-MISMATCH": NoFix(
        why="The files are held against each other, and rewritten, on the page of the unit.", place=Place.CONFIGURATION
    ),
    "CS-CSCFG-VNET": NoFix(
        why="The configuration file is rewritten on the page of the unit.", place=Place.CONFIGURATION
    ),
    "VNET-OK-PORTAL": NoFix(
        why="The configuration file is rewritten on the page of the unit.", place=Place.CONFIGURATION
    ),
    **{
        rule: NoFix(why="This product does so by itself; nothing has to be sent.", place=Place.SNAPSHOTS)
        for rule in ("CS-IN-VNET", "VNET-PORTAL-NAME-404", "SUB-RG-NAMES")
    },
}

BY_HAND: Final[dict[str, NoFix]] = {
    "SUB-COADMIN": NoFix(
        why="Whoever gives this product a right has to hold it first: an owner of the subscription does."
    ),
    "CS-NONVNET-LEGACY": NoFix(why=_PACKAGE),
    "CS-LEGACY-SIZE": NoFix(why=_PACKAGE),
    "CS-PLUGIN-LEFT": NoFix(why=_PACKAGE),
    "CS-CERT-KV": NoFix(why="The vault comes with Commit; who may read it is decided afterwards by its owner."),
    "VNET-CIDR": NoFix(why="Which ranges are right is known to whoever runs the network, and to those at its ends."),
    "VNET-PRIVATE-IP-CLASH": NoFix(why="Which machine gets another address is for its owner to say."),
    "VNET-APIM": NoFix(why="API Management is moved in its own service, which this product does not touch."),
    "VNET-APPGW": NoFix(why="The gateway has to be built anew from templates this product does not have."),
    "VNET-VPN-GW": NoFix(why=_GATEWAY),
    "VNET-ER-GW": NoFix(why=_GATEWAY),
    "VNET-ER-GW-XSUB": NoFix(why=_GATEWAY),
    "VNET-ER-AND-VPN": NoFix(why=_GATEWAY),
    "VM-NOT-IN-VNET": NoFix(why="Which network it goes into is chosen with Prepare, by a person."),
    "VM-BOOTDIAG": NoFix(why=_WHOLE_MACHINE),
    "VM-ENDPOINT-ACL": NoFix(why=_WHOLE_MACHINE),
    "VM-HUB-LICENSE": NoFix(why="Whether the benefit applies is a question of licences; look after the move."),
    "VM-WARNING-RESERVE-IP": NoFix(why="Reserving the address of a running service is offered by PowerShell only."),
    "STG-GPV1": NoFix(why="It is upgraded after Commit, in Resource Manager."),
    "NET-RT-UNATTACHED": NoFix(
        why="Only the older API knows route tables, and nobody has published how it deletes one; use PowerShell "
        "(Remove-AzureRouteTable)."
    ),
}
