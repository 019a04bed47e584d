"""Bramble Corporate IT: Southeast Asia and North Europe. Not registered for migration: nothing moves before that is
done."""

from migrator.simulator.estates.builder import EstateBuilder, role
from migrator.simulator.estates.company import MAIL, OFFICE, simple_service, tags

SEA, NE = "southeastasia", "northeurope"


def build(builder: EstateBuilder) -> None:
    area = builder.area("Bramble Corporate IT", [SEA, NE], registered=False, used={(SEA, "cores"): 6})
    area.administrator("cloud-account" + MAIL, "ServiceAdministrator;AccountAdministrator")
    subnets = {"apps": "10.90.0.0/24"}
    network = area.network("it-hr", "hr-net", SEA, space="10.90.0.0/16", subnets=subnets, tags=tags(OFFICE))
    simple_service(area, "it-hr", "hr-portal", SEA, OFFICE, network=network, subnets=["apps"], certificates=1)
    badges = area.service("it-hr", "badge-office", SEA, tags=tags(OFFICE))
    # Remote Desktop twice: as a plugin in the configuration and as an extension
    desk = role("Badges", "Standard_D1_v2", 2, endpoints={"https": 443}, extensions={"RDP-badges-20170228": "Enable"})
    area.slot(badges, [desk], plugins=["RemoteAccess", "RemoteForwarder"])
    simple_service(area, "it-sim", "tax-simulation", SEA, OFFICE, size="A9", count=1)  # a deprecated size
    simple_service(area, "it-hr", "timesheets", NE, OFFICE, size="Standard_D2_v2")
    area.storage("it-backup", "itbackups", NE, kind="Standard-GRS", tags=tags(OFFICE))
    area.lock(
        f"/subscriptions/{area.subscription}/resourceGroups/it-hr", "hr-read-only", "ReadOnly", "Payroll month end."
    )
