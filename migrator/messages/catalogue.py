"""The error catalogue: 53 messages the platform is known to give around a migration, and what to do about each.

Facts: azure.md 2.10, row by row (E01–E53); the sentences are ours. A row fits when all fragments of one of its
alternatives occur in the error's code and message; matching ignores case, the form of apostrophes and quotes, and
writes "isn't" and "is not" alike, because the documents use both.
"""

from dataclasses import dataclass

from migrator.messages.classes import ErrorClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row. `alternatives`: any one of them fits when all its fragments occur. `also`: what comes next when
    `error_class` did not help. `rules`: ids of the readiness rules (azure.md 3) the message confirms. `status`: only
    with this HTTP status, 0 for any. `generic`: fits many causes, so that any other row goes before it."""

    id: str
    alternatives: tuple[tuple[str, ...], ...]
    error_class: ErrorClass
    action: str
    source: str
    also: tuple[ErrorClass, ...] = ()
    rules: tuple[str, ...] = ()
    status: int = 0
    generic: bool = False


R, W, F, Q = ErrorClass.RETRY, ErrorClass.WAIT, ErrorClass.FIX, ErrorClass.QUOTA
T, A, P, INFO = ErrorClass.TICKET, ErrorClass.ABORT_FIRST, ErrorClass.PROGRAMMER, ErrorClass.INFORMATION


def _row(
    number: int,
    alternatives: str | tuple[str, ...] | list[tuple[str, ...]],
    error_class: ErrorClass,
    action: str,
    source: str,
    *,
    also: tuple[ErrorClass, ...] = (),
    rules: tuple[str, ...] = (),
    status: int = 0,
    generic: bool = False,
) -> Entry:
    """A text is one fragment, a tuple is fragments that must all occur, a list is alternatives."""
    if isinstance(alternatives, str):
        alternatives = (alternatives,)
    if isinstance(alternatives, tuple):
        alternatives = [alternatives]
    return Entry(
        id=f"E{number:02}",
        alternatives=tuple(alternatives),
        error_class=error_class,
        action=action,
        source=source,
        also=also,
        rules=rules,
        status=status,
        generic=generic,
    )


CATALOGUE: tuple[Entry, ...] = (
    _row(
        1,
        "could not be found in the namespace 'Microsoft.Compute' for api version",
        F,
        "Register the feature CloudServices of Microsoft.Compute on the subscription, then register "
        "Microsoft.Compute again.",
        "cs-err",
        rules=("SUB-REG-FEATURE",),
    ),
    _row(
        2,
        "Subscription is not registered for migration",
        F,
        "Register Microsoft.ClassicInfrastructureMigrate on the subscription and wait until it reads Registered.",
        "cs-ps, vm-ps",
        rules=("SUB-REG-MIGRATE",),
    ),
    _row(
        3,
        [("server encountered an internal error",), ("Internal server error",), ("InternalServerError",)],
        R,
        "A passing fault of the platform: it is tried again after a few minutes; open a ticket when it "
        "keeps coming back.",
        "cs-err, vm-err",
        also=(T,),
        generic=True,
    ),
    _row(
        4,
        "unexpected error while trying to allocate network resources",
        R,
        "A passing fault while the platform allocates network resources: it is tried again after a few minutes.",
        "cs-err",
    ),
    _row(
        5,
        "must be within a virtual network to be migrated",
        F,
        "The deployment is in no virtual network at all: redeploy it into one, or redeploy it in Resource Manager.",
        "cs-err",
        rules=("CS-NONVNET-LEGACY",),
    ),
    _row(
        6,
        ("is not supported because it is in region", "Allowed regions"),
        F,
        "Migration is not switched on in this region; only the regions named in the message take part.",
        "cs-err",
        rules=("SUB-REGION",),
    ),
    _row(
        7,
        "no subnets associated with the role(s)",
        F,
        "Give every role named in the message a subnet in the service configuration and update the deployment.",
        "cs-err",
        rules=("CS-NO-SUBNET",),
    ),
    _row(
        8,
        [
            ("requires at least one feature that not registered on the subscription", "Missing feature(s)"),
            ("requires at least one feature that is not registered on the subscription", "Missing feature(s)"),
        ],
        F,
        "Register the features named in the message; ask support for those which cannot be registered.",
        "cs-err",
        also=(T,),
        rules=("CS-FEATURE-MISSING",),
    ),
    _row(
        9,
        "two occupied slots",
        F,
        "Delete the staging deployment, migrate production alone and deploy staging again afterwards.",
        "cs-err",
        rules=("CS-TWO-SLOTS-DYN", "CS-TWO-SLOTS-RIP", "CS-TWO-SLOTS-VNETS"),
    ),
    _row(
        10,
        ("is in intermediate state", "Migration not allowed"),
        W,
        "The deployment is being created, updated or deleted: wait until that is over.",
        "cs-err",
        rules=("CS-BUSY",),
    ),
    _row(
        11,
        "has reserved IP(s) but no reserved IP name",
        F,
        "Give the reserved IP its name in the service configuration; ask support when that cannot be done.",
        "cs-err",
        also=(T,),
        rules=("CS-RIP-NONAME",),
    ),
    _row(
        12,
        ("has reserved IP(s)", "no endpoint on the reserved IP"),
        F,
        "Add an input endpoint which uses the reserved IP, then try again.",
        "cs-err",
        rules=("CS-RIP-NOENDPOINT",),
    ),
    _row(
        13,
        "in the process of being committed and cannot be changed",
        W,
        "A Commit is running: wait until it is over.",
        "cs-err",
    ),
    _row(
        14,
        "in the process of being aborted and cannot be changed",
        W,
        "An Abort is running: wait until it is over; when it failed, Abort again.",
        "cs-err",
    ),
    _row(
        15,
        "undergoing an update operation",
        W,
        "The deployment is being updated: wait until the update is over.",
        "cs-err",
        rules=("CS-BUSY",),
    ),
    _row(
        16,
        "features not yet supported for migration: Non-vnet deployment",
        F,
        "The deployment is in no virtual network at all: redeploy it into one, or redeploy it in Resource Manager.",
        "cs-err",
        rules=("CS-NONVNET-LEGACY",),
    ),
    _row(
        17,
        "virtual network name cannot be null or empty",
        P,
        "The request lacks the name of the destination network: correct the request body in the settings.",
        "cs-err",
    ),
    _row(
        18,
        "Subnet Name cannot be null or empty",
        P,
        "The request lacks the name of the destination subnet: correct the request body in the settings.",
        "cs-err",
    ),
    _row(
        19,
        "DestinationVirtualNetwork must be set to one of",
        P,
        "The request lacks DestinationVirtualNetwork (Default, New or Existing): correct the request body "
        "in the settings.",
        "cs-err",
    ),
    _row(
        20,
        "Default VNet destination option not implemented",
        P,
        "The platform does not take Default as destination: send New.",
        "cs-err",
    ),
    _row(
        21,
        "CSPKG is not available",
        F,
        "The platform holds no package of this deployment: update the deployment with one, then try again.",
        "cs-err",
        rules=("CS-NO-CSPKG",),
    ),
    _row(
        22,
        "is in a different location than deployment",
        F,
        "Subnet and deployment must be in the same region: move one of them.",
        "cs-err",
        rules=("CS-SUBNET-REGION",),
    ),
    _row(23, "has not been prepared for Migration", P, "Prepare has to come first.", "cs-err"),
    _row(
        24,
        ("UnknownExceptionInEndExecute", "rgName is null or empty"),
        T,
        "A fault of the platform which does not pass: open a support ticket with the ids of the request.",
        "cs-err",
    ),
    _row(
        25,
        ("UnknownExceptionInEndExecute", "A task was canceled"),
        R,
        "A passing fault of the platform: it is tried again after a few minutes; open a ticket when it "
        "keeps coming back.",
        "cs-err",
        also=(T,),
    ),
    _row(
        26,
        "XrpVirtualNetworkMigrationError",
        R,
        "Moving the virtual network failed inside the platform: it is tried again; open a ticket when it "
        "keeps coming back.",
        "cs-err",
        also=(T,),
    ),
    _row(
        27,
        ("belongs to Virtual Network", "Migrate Virtual Network"),
        P,
        "The deployment is in a virtual network: the network is what has to be migrated.",
        "cs-err",
        rules=("CS-IN-VNET",),
    ),
    _row(
        28,
        ("current quota for", "insufficient to complete migration", "additional needed is"),
        Q,
        "Ask for more quota: the message says how much there is and how much more is needed.",
        "cs-err",
        rules=("SUB-QUOTA-CORES",),
    ),
    _row(
        29,
        "XrpPaaSMigrationCscfgCsdefValidationMismatch",
        A,
        "Abort, make the service name equal in service definition and service configuration, update the "
        "deployment, try again.",
        "cs-err",
        also=(F,),
        rules=("CS-CSDEF-NAME-MISMATCH",),
    ),
    _row(
        30,
        "NetworkingInternalOperationError",
        F,
        "The cloud service is named like one of its roles: rename one of them.",
        "cs-err",
        rules=("CS-NAME-EQ-ROLE",),
    ),
    _row(
        31,
        "because it's a PaaS deployment (Web/Worker)",
        F,
        "This is a web or worker deployment, which the way for virtual machines does not take: migrate it "
        "as a cloud service.",
        "vm-err",
        rules=("VM-PAAS-ROLE",),
    ),
    _row(
        32,
        ("Template", "deployment failed. CorrelationId="),
        R,
        "Safe to try again; keep the CorrelationId for a support ticket.",
        "vm-err",
    ),
    _row(
        33,
        ("The virtual network", "doesn't exist"),
        P,
        "A network made in the portal has to be named in the form `Group resource-group network`.",
        "vm-err",
        rules=("VNET-PORTAL-NAME-404",),
    ),
    _row(
        34,
        ("contains Extension", "not supported in Azure Resource Manager"),
        F,
        "Uninstall the extension named in the message; it has no counterpart in Resource Manager.",
        "vm-err",
        rules=("VM-EXT-XML",),
    ),
    _row(
        35,
        ("VMSnapshot", "not supported for Migration"),  # also fits VMSnapshotLinux
        F,
        "Stop the backup keeping its data, remove the backup extension, migrate, then switch backup on again.",
        "vm-err",
        rules=("VM-BACKUP-EXT",),
    ),
    _row(
        36,
        "whose Status isn't being reported",
        F,
        "The guest agent does not report its extensions: repair the agent or its way out to the internet, "
        "or remove the extensions.",
        "vm-err",
        rules=("VM-AGENT",),
    ),
    _row(
        37,
        "reporting Handler Status",
        F,
        "An extension reports that it is not ready: repair or remove it.",
        "vm-err",
        rules=("VM-AGENT",),
    ),
    _row(
        38,
        "overall agent status as Not Ready",
        F,
        "The guest agent is not ready: repair it, remove the extensions, or stop and deallocate the virtual machine.",
        "vm-err",
        rules=("VM-AGENT",),
    ),
    _row(
        39,
        "has multiple Availabilities Sets",
        F,
        "Bring all virtual machines of the cloud service into one availability set.",
        "vm-err",
        rules=("VM-MULTI-AVSET",),
    ),
    _row(
        40,
        "not part of the Availability Set even though",
        F,
        "Bring all virtual machines of the cloud service into the availability set, or take all of them out.",
        "vm-err",
        rules=("VM-MIXED-AVSET",),
    ),
    _row(
        41,
        "in the process of being migrated and hence cannot be changed",
        A,
        "The resource is prepared and locked: commit or abort its migration before changing it.",
        "vm-err",
    ),
    _row(
        42,
        "in State: RoleStateUnknown",
        W,
        "The virtual machine is starting or stopping: it is tried again in a few minutes.",
        "vm-err, vm-plan",
        rules=("VM-STATE",),
    ),
    _row(
        43,
        ("physical blob size", "doesn't match the VM Data Disk logical size"),
        INFO,
        "Only a warning: the disk moves without a size. Set the size of the disk to that of its blob to be rid of it.",
        "vm-err",
        rules=("VM-DISK-SIZE",),
    ),
    _row(
        44,
        "storage exception occurred while validating data disk",
        F,
        "The VHD of a data disk is missing or cannot be reached: restore it or detach the disk.",
        "vm-err",
        rules=("VM-DISK-MISSING",),
    ),
    _row(
        45,
        ("blob name", "isn't supported in Azure Resource Manager"),
        F,
        'The name of the blob holds a "/": copy it to a name without.',
        "vm-err",
        rules=("VM-BLOB-SLASH",),
    ),
    _row(
        46,
        "isn't in the regional scope",
        F,
        "The deployment is old and bound to one cluster: add an endpoint or a data disk to it, then try again.",
        "vm-err",
        rules=("VM-REGIONAL-SCOPE",),
    ),
    _row(
        47,
        "non-gateway PaaS deployments",
        F,
        "An Application Gateway or API Management is in the network: remove it, migrate, make it anew.",
        "vm-err",
        rules=("VNET-APPGW",),
    ),
    _row(
        48,
        "Management operations on VM are disallowed because migration is in progress",
        A,
        "The virtual machine is prepared and locked: commit or abort its migration before changing it.",
        "vm-err",
    ),
    _row(
        49,
        "fabric cluster does not exist",
        R,
        "The virtual machine is on a new cluster: wait some days, or stop and deallocate it.",
        "vm-plan",
        also=(F,),
        rules=("VM-NEW-CLUSTER",),
    ),
    _row(
        50,
        "provisioning timed out",
        F,
        "Delete the virtual machine keeping its disks, and make it anew from them.",
        "vm-plan",
        rules=("VM-PROVISION-TIMEOUT",),
    ),
    _row(
        51,
        "NewClassicVMCreationNotAllowedForSubscription",
        INFO,
        "The subscription may not make classic virtual machines any more; nothing has to be done.",
        "vm-faq",
    ),
    _row(
        52,
        "MissingSubscriptionRegistration",
        F,
        "Register the provider named in the message on the subscription and wait until it reads Registered.",
        "verified with the SDK, 2026",
        status=409,
    ),
    _row(
        53,
        ("OperationNotAllowed", "migration is in progress"),
        A,
        "The cloud service is prepared and locked: commit or abort its migration before changing it.",
        "techcommunity 3463004",
    ),
)

BY_ID = {entry.id: entry for entry in CATALOGUE}
