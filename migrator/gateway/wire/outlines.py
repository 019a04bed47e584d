"""Values with as much as drawing units reads of them (`migrator.units`), and nothing else: an estate is drawn from a
tenth of its documents' bytes."""

from typing import Final

from migrator.resources import UNKNOWN, ResourceType, Unknown, VirtualMachine

BARE: Final = frozenset(
    {
        ResourceType.ROLE,
        ResourceType.EXTENSION_REFERENCE,
        ResourceType.SERVICE_CERTIFICATE,
        ResourceType.PEERING,
        ResourceType.DISK,
        ResourceType.OS_IMAGE,
        ResourceType.VM_IMAGE,
    }
)
"""Types whose units are drawn without their properties: what they lie in stands in their id."""


def machine(
    azure_id: str, name: str, region: str, service: str | None, network: str | Unknown | None
) -> VirtualMachine:
    """A virtual machine as `classic.virtual_machine` reads it, everything but its home UNKNOWN. `region`: normal, empty
    when not known; `service`: the id of its cloud service, None when not told; `network`: None means in none."""
    return VirtualMachine(
        id=azure_id,
        name=name,
        type=ResourceType.VIRTUAL_MACHINE,
        location=region or UNKNOWN,
        cloud_service_id=service if service is not None else UNKNOWN,
        virtual_network_id=network,
    )
