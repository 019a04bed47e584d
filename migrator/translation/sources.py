"""Why a field should be as it is: one sentence each, with the document it comes from (sections of azure.md;
[D] documented, [I] inferred, [K] general knowledge)."""

from typing import Final

CLOUD_SERVICE_GONE: Final = (
    "A cloud service becomes no resource of its own; its DNS name lives on the public IP (azure.md 4.1 [D] cs-td)."
)
DEPLOYMENT: Final = (
    "A deployment becomes a cloud service (extended support) with the cloud service's name (azure.md 4.1 [D] cs-td)."
)
MACHINE_SERVICE: Final = (
    "A cloud service of virtual machines becomes the group {cs}-migrated with all that was in it (azure.md 4.2 "
    "[D] vm-dd)."
)
GROUP: Final = (
    "The platform names the group; it may come back in capitals, which is a known harmless fault "
    "(azure.md 2.8, 4.1 [D] cs-td, vm-dd, cs-err)."
)
GROUP_FREE: Final = "The platform picks the group; no document names it for this kind (azure.md 2.8 [I])."
LOCATION: Final = "The migration changes no region (azure.md 4.2 [D] vm-dd: same properties)."
SLOT: Final = "The slot is kept as networkProfile.slotType (azure.md 4.6 [V] model field)."
ROLE: Final = "Every role is kept under its name (azure.md 4.6)."
SIZE: Final = "Sizes come out as in the size table (azure.md 4.3 [D] cs-post, cs-pre)."
SIZE_UNLISTED: Final = "The size table does not know this size; it should stay as it is (azure.md 4.3 [I])."
CAPACITY: Final = "The number of instances is kept (azure.md 4.6)."
ADDRESS: Final = "The public address is kept (azure.md 4.1, 4.6, rule CS-PIP-BASIC [D] cs-td, cs-faq)."
ADDRESS_NAME: Final = (
    "A dynamic VIP becomes {cs}ContractContract, a reserved IP keeps its name or becomes group-rg-name; the name "
    "shown may "
    "be wrong, which is a known harmless fault (azure.md 4.1 [D] cs-td, cs-err)."
)
ALLOCATION: Final = "A reserved address is static, any other dynamic (azure.md 4.1, 4.2 [D] cs-td, vm-dd)."
SKU: Final = "The address is exposed as a Basic public IP (azure.md 4.1, rule CS-PIP-BASIC [D] cs-td)."
VIP_WITHOUT_ENDPOINT: Final = (
    "A VIP of virtual machines moves only with an input endpoint (rule VM-VIP-NEEDS-ENDPOINT [D] vm-dd)."
)
DNS: Final = (
    "The DNS name of the cloud service is kept, on the public IP (azure.md 4.1, 4.2, rule CS-DNS [D] cs-td, cs-faq)."
)
BALANCER: Final = "The implicit load balancer becomes LB-{cs}, read-only (azure.md 4.1 [D] cs-td)."
CERTIFICATES: Final = (
    "Every service certificate becomes a secret of the cloud service (azure.md 4.6, rule CS-CERT-KV [D])."
)
VAULT: Final = "The certificates get a new Key Vault KV-{cs} without access policies (azure.md 4.1 [D] cs-td)."
EXTENSION: Final = "Enabled extensions are kept (azure.md 4.2, 4.6, rule CS-OK-EXT [D])."
EXTENSION_DISABLED: Final = "Disabled extensions are not migrated (rule CS-EXT-DISABLED [D] cs-td)."
EXTENSION_XML: Final = (
    "XML extensions of virtual machines are not migrated (azure.md 4.2, rule VM-EXT-XML [D] vm-ov, vm-err)."
)
LABEL: Final = "Labels are not turned into tags (rule CS-LABEL-TAGS [D] cs-err)."
DEFAULT_NETWORK: Final = (
    "The hidden default network becomes visible, in the group of the service (azure.md 4.1, rule CS-DEFAULT-VNET "
    "[D] cs-td)."
)
MACHINE: Final = "A virtual machine keeps its name and properties (azure.md 4.2 [D] vm-dd)."
PRIVATE_ADDRESS: Final = "The internal address changes only for machines in no network (azure.md 4.2 [D] vm-dd)."
PRIVATE_ADDRESS_FREE: Final = (
    "A machine in no network gets a new internal address (azure.md 4.2, rule VM-NOT-IN-VNET [D] vm-dd)."
)
SUBNET_CHOSEN: Final = "The machines go into the existing subnet that was chosen (azure.md 2.6 [D] cs-ps)."
PRIVATE_ADDRESS_NONE: Final = "The machine had no address to keep: it was not running, and none is static [I]."
STATIC_ADDRESS: Final = "A static internal address stays static (azure.md 4.2 [D] vm-dd: same properties)."
INTERFACES: Final = "The network interface and every additional one become networkInterfaces (azure.md 4.2 [D] vm-dd)."
AVAILABILITY_SET: Final = "The availability set becomes one of Microsoft.Compute (azure.md 4.2 [D] vm-dd)."
DISKS: Final = "Attached disks become disks of the machine; their VHDs stay where they are (azure.md 4.2 [D] vm-dd)."
DISK_LEFT: Final = "Unattached disks are not migrated; the blob stays (azure.md 4.2 [D] vm-dd)."
LICENSE: Final = "The licence type may be lost and has to be set again (rule VM-HUB-LICENSE, 2016)."
BOOT_DIAGNOSTICS: Final = "Boot diagnostics may be lost and have to be switched on again (rule VM-BOOTDIAG, 2016)."
NETWORK: Final = "A network keeps its name, or becomes group-rg-name when the portal made it (azure.md 4.1 [D] cs-td)."
ADDRESS_SPACE: Final = "Address space, subnets and DNS servers are kept (azure.md 4.2, 4.6 [D] vm-dd)."
SUBNET_GROUP: Final = (
    "Network security groups are cloned with their associations (azure.md 4.2, rule VNET-NSG-LOCK [D] vm-dd)."
)
SUBNET_ROUTES: Final = "Route tables are cloned with their associations (azure.md 4.2 [D] vm-dd)."
GATEWAYS: Final = "A gateway becomes a virtualNetworkGateway with the same VIP (azure.md 4.2 [D] vm-dd)."
CLONED: Final = "It is cloned under its name; the classic one stays (azure.md 4.2 [D] vm-dd)."
RESERVED: Final = "A reserved IP becomes a static public IP (azure.md 4.1, 4.2 [D] cs-td, vm-dd)."
STORAGE: Final = "A storage account keeps its name, in {account}-Migrated (azure.md 2.8, 4.2 [D] stg-proc)."
STORAGE_KIND: Final = "The new account is general purpose v1 (azure.md 4.2, rule STG-GPV1 [D] stg-proc)."
STORAGE_SKU: Final = "The redundancy of the account is kept (azure.md 4.2 [I])."
AUTOSCALE: Final = (
    "Autoscale settings are dropped and have to be made again (rule CS-AUTOSCALE [D] seed0, cs-td, cs-post)."
)
ALERTS: Final = "Alerts are dropped and have to be made again (rules CS-ALERTS, VM-ALERTS [D] seed0, seed1, cs-td)."
JIT: Final = "Just-in-time policies have to be made again (rule CS-JIT, seed0 2020)."
GRANT: Final = (
    "Role assignments on classic ids and on the old group do not reach the new ids (azure.md 6.5, rule SUB-RBAC [D])."
)
TRAFFIC: Final = "An endpoint that names the classic cloud service has to name its public IP (azure.md 6.8)."
PROTECTION: Final = (
    "Backup and replication are of the classic machine; the new one has to be protected anew (azure.md 6.8)."
)
LOCK: Final = (
    "No document says what becomes of management locks; one on the classic id or group cannot reach the new id [I]."
)
READ_ONLY_HALF: Final = "The classic value was not read before Prepare, so nobody can say whether it is kept. "
ARM_UNREAD: Final = "The Resource Manager document does not say. "
MISSING: Final = "Nothing like it was found in the -migrated groups. "
NOBODY: Final = "No document foresees this, and nothing classic explains it (azure.md 4.1, 4.2, 4.6)."
COMPANION: Final = "The platform makes it beside what it migrates (azure.md 4.1, 4.2 [D] cs-td, vm-dd)."
