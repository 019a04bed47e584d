"""The published facts of each rule in short codes: id, effect, what detects it, whether the remedy is automatable, rows
of the two source documents. Written from the facts file of the design (azure.md 3.1 to 3.5), which is not part of this
repository. `/` in effects: by kind or then and now, any of them; `-`: not said, or not as one of our words. What the
code says otherwise stands in `DEVIATIONS` with its reason, and in templates/docs/decisions/catalogue-deviations.md.
"""

from typing import NamedTuple


class Published(NamedTuple):
    effects: frozenset[str]
    detects: tuple[str, ...]
    automatable: str
    rows: frozenset[str]


_TABLE = """
SUB-REG-MIGRATE          blocks            api                  yes
SUB-REG-FEATURE          blocks            api                  yes
SUB-COADMIN              blocks            api+attest           part
SUB-QUOTA-CORES          blocks            api                  yes   S0-C6 S1-F11
SUB-QUOTA-NET            blocks            api+prepare          yes   S0-C6
SUB-REGION               blocks            validate             no
SUB-THROTTLE             info              api                  part
SUB-RBAC                 changes           api                  yes   S0-C13 S1-E7 S1-F8 S1-V1
SUB-TOOLING              changes           attest               no    S0-E S1-E6 S1-F3
SUB-ARM-LOCK             blocks/info       api                  yes
SUB-AFFINITY             blocks            api                  no    S0-C7
SUB-LOCK-WINDOW          info              -                    no    S1-F4
SUB-NO-TIME-LIMIT        info              -                    no
SUB-COMMIT-FINAL         info              -                    no    S1-F5
SUB-BACKUP-CONFIG        info              api                  yes   S1-E5
SUB-OFF-HOURS            info              attest               no    S1-E4
SUB-TEST-FIRST           info              attest               part  S1-E3
SUB-RG-NAMES             changes           -                    part  S1-F13 S1-F14
SUB-RETIRED              info              -                    no    S1-F1 S1-F2
CS-TWO-SLOTS-DYN         blocks            api                  part  S0-D2
CS-TWO-SLOTS-RIP         blocks            api                  part  S0-D3
CS-TWO-SLOTS-VNETS       blocks            api                  part  S0-D4
CS-STAGING-ONLY          blocks            api                  yes   S0-B2
CS-EMPTY                 blocks            api                  yes   S0-D5
CS-NONVNET-LEGACY        blocks            validate             part  S0-D1
CS-DEFAULT-VNET          changes           validate             -     S0-B3 S0-D1
CS-NO-SUBNET             blocks/downtime   file+api             no    S0-D10
CS-OTHER-VNET            blocks/downtime   attest               no    S0-D9
CS-RDP-BOTH              blocks            file+api             part  S0-D6
CS-PLUGIN-LEFT           changes           file                 part  S0-A9
CS-EXT-DISABLED          changes           api                  -     S0-A9
CS-EXT-XML               info              api                  -     S0-B4
CS-LEGACY-SIZE           blocks/changes    file+api             part  S0-D8
CS-SIZE-SPECIAL          blocks            api                  no    S0-A11
CS-SIZE-DEPRECATED       blocks            -                    no    S0-D8
CS-MIXED-VNET            blocks/downtime   api                  no    S0-D7 S1-V7
CS-RIP-NONAME            blocks            api                  no    S0-A4
CS-RIP-NOENDPOINT        blocks            api                  no    S0-A4
CS-BUSY                  blocks            api                  yes
CS-NO-CSPKG              blocks            validate+prepare     no
CS-CSDEF-NAME-MISMATCH   blocks            file                 part
CS-NAME-EQ-ROLE          blocks            api+file             no
CS-SUBNET-REGION         blocks            api                  no
CS-FEATURE-MISSING       blocks            validate             part
CS-IN-VNET               info              api                  yes
CS-SINGLE-INSTANCE       downtime          api                  yes
CS-STAGING-SUBNET-MIX    info              api                  no
CS-AUTOSCALE             dropped           api                  yes   S0-C1
CS-ALERTS                dropped           api                  yes   S0-C2
CS-JIT                   dropped           api                  yes   S0-C5
CS-RBAC                  changes           api                  yes   S0-C13
CS-CERT-KV               changes           api                  part  S0-A8
CS-LB-READONLY           changes           api                  -     S0-A16
CS-PIP-BASIC             changes           api                  -     S0-A18 S0-A4
CS-DNS                   changes           -                    -     S0-A19
CS-CSCFG-VNET            changes           file                 yes   S0-B6
CS-LABEL-TAGS            dropped           api                  yes
CS-SWAP-PREPARED         info              -                    -
CS-VS-PUBLISH            changes           attest               no
CS-ES-RETIRING           info              -                    no
VNET-OK-AADDS            info              api                  no    S0-B1
VNET-OK-MULTI-CS         info              api                  -     S0-B5
VNET-OK-PORTAL           changes           api                  yes   S0-B6
VNET-OK-MULTI-SUBNET     info              api                  -     S0-B7
VNET-VPN-GW              blocks/downtime   api                  part  S0-C3 S1-U8
VNET-ER-GW               blocks            api                  part  S0-C4 S1-U8
VNET-ER-GW-XSUB          blocks            api+attest           part  S0-C4
VNET-ER-CIRCUIT          blocks            attest               no    S0-C12
VNET-ER-COEXIST          info              -                    -     S1-F6
VNET-ER-AND-VPN          blocks            api+prepare          part
VNET-GW-DISCONNECTED     blocks            api+prepare          no
VNET-TRANSIT-VPN         changes           attest               no
VNET-CIDR                blocks            api                  yes
VNET-PEERING             blocks/downtime   api                  yes   S0-C8
VNET-ASE                 blocks            api                  no    S0-C9 S1-V9
VNET-HDI                 blocks            api                  no    S0-C10 S1-V10
VNET-BATCH               blocks            api                  no
VNET-APIM                blocks            api                  part  S0-C11
VNET-APPGW               blocks            validate             part  S0-C14
VNET-DYNLCS              blocks            attest               no    S1-V11
VNET-MIXED               blocks/downtime   api                  no    S0-D7 S1-V7
VNET-SUBNET-SPACES       blocks            api                  no    S1-V8
VNET-PORTAL-NAME-404     info              -                    yes
VNET-LB-RULES            blocks            prepare              no
VNET-PRIVATE-IP-CLASH    blocks            api                  yes
VNET-NSG-LOCK            info              -                    -     S1-U6
VM-NOT-IN-VNET           downtime          api                  part  S1-E2 S1-P1
VM-IN-VNET               info              api                  -     S1-F1 S1-P2
VM-MULTI-AVSET           blocks            api                  no    S1-P2
VM-MIXED-AVSET           blocks            api                  no    S1-P2
VM-BOOTDIAG              blocks            api                  part  S1-U1
VM-HUB-LICENSE           -                 api                  part  S1-U2
VM-DISK-UNATTACHED       -                 api                  yes   S1-U3
VM-IMAGES                -                 api                  yes   S1-U4
VM-ENDPOINT-ACL          blocks            api                  part  S0-A5 S1-U7
VM-MULTI-SUBNET          blocks            api                  no    S1-V2
VM-NO-SUBNET             blocks            api                  no    S1-V3
VM-ALERTS                dropped           api                  yes   S1-V4
VM-EXT-XML               blocks/dropped    api                  yes   S1-V5
VM-PAAS-ROLE             blocks            api                  -     S1-V6
VM-DEFENDER-EXT          blocks            api                  no
VM-BACKUP-EXT            blocks            api                  part  S1-F9
VM-ASR-EXT               changes           api                  no    S1-F9
VM-AGENT                 blocks            api                  no
VM-STATE                 blocks            api                  yes
VM-DISK-SIZE             info              api                  no
VM-DISK-MISSING          blocks            -                    no
VM-BLOB-SLASH            blocks            api                  no
VM-REGIONAL-SCOPE        blocks            validate             no
VM-NEW-CLUSTER           blocks            prepare              no
VM-PROVISION-TIMEOUT     blocks            api                  no
VM-CERT-KV               changes           api                  no
VM-OSPROFILE             changes           -                    -
VM-VIP-NEEDS-ENDPOINT    changes           api                  no
VM-WARNING-RESERVE-IP    downtime          api                  part  S1-E2
STG-2016                 info              -                    -     S0-A1 S1-U9
STG-ORDER                blocks            api                  yes
STG-DISK-ARTIFACTS       -                 api                  yes   S1-U3 S1-U4
STG-GPV1                 changes           -                    yes
STG-KEYS                 info              -                    -
STG-RBAC                 info              -                    -
STG-30DAYS               changes           -                    yes
STG-OWNER                info              api                  part
STG-READONLY-2024        blocks            -                    no
NET-RIP-UNATTACHED       info              api                  yes   S1-U5
NET-NSG-UNATTACHED       info              api                  yes   S1-U6
NET-RT-UNATTACHED        info              -                    yes
"""


def _read(line: str) -> tuple[str, Published]:
    rule, effects, detects, automatable, *rows = line.split()
    told = frozenset() if effects == "-" else frozenset(effects.split("/"))
    return rule, Published(told, () if detects == "-" else tuple(detects.split("+")), automatable, frozenset(rows))


PUBLISHED: dict[str, Published] = dict(_read(line) for line in _TABLE.strip().splitlines())

# (rule, what of it): why the code says otherwise.
DEVIATIONS: dict[tuple[str, str], str] = {
    ("SUB-COADMIN", "detects"): "Validate proves the right by answering; the assignments alone do not.",
    ("CS-NO-SUBNET", "detects"): "Azure shows the configuration as well; a file is asked for only where it does not.",
    ("CS-RDP-BOTH", "detects"): "Plugins and extensions are in the inventory; a file is asked for where they are not.",
    ("CS-PLUGIN-LEFT", "detects"): "As for CS-RDP-BOTH: the configuration Azure shows comes first.",
    ("CS-LEGACY-SIZE", "detects"): "The size Azure shows comes first; the file settles it where Azure shows none.",
    ("CS-CSDEF-NAME-MISMATCH", "detects"): "Prepare decides; its unknown must not hold every unit back.",
    ("VNET-CIDR", "automatable"): "Only the check is automatic; the ranges are changed by a person.",
    ("VNET-PRIVATE-IP-CLASH", "automatable"): "Only the check is automatic; a person chooses which address changes.",
    ("VNET-SUBNET-SPACES", "detects"): "Overtaken: later pages do not name it, so Validate decides and the name warns.",
    ("VM-ENDPOINT-ACL", "rows"): "S0-A5 says the opposite, of roles: CS-OK-ENDPOINT-ACL cites it.",
    ("VM-PAAS-ROLE", "effect"): "Blocked in 2016; later pages give roles their own path, which this product takes.",
    ("VM-DISK-SIZE", "detects"): "This product does not open blobs, so only Validate tells.",
}
