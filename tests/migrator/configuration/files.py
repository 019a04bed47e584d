"""The files of the tests, and ways to change them."""

from pathlib import Path

from migrator.configuration import Kind, NewName, Target

HERE = Path(__file__).parent / "data"
SHOP = (HERE / "shop.cscfg").read_bytes()
SHOP_DEFINITION = (HERE / "shop.csdef").read_bytes()
PLAIN = (HERE / "plain.cscfg").read_bytes()
SUB = "/subscriptions/11111111-2222-3333-4444-555555555555"
NETWORKS = "providers/Microsoft.Network/virtualNetworks"
SHOP_NET = f"{SUB}/resourceGroups/group-shop-rg-shop-net-migrated/{NETWORKS}/group-shop-rg-shop-net"
DEFAULT_NET = f"{SUB}/resourceGroups/pricing-migrated/{NETWORKS}/VNet-pricing"
TARGET = Target(
    service="shop",
    in_network=True,
    network=NewName(SHOP_NET, False),
    called=frozenset({"shop-net", "group shop-rg shop-net"}),
    subnets=("front",),
)
DEFAULT = Target(service="pricing", in_network=False, network=NewName(DEFAULT_NET, True), subnets=("WebTier",))
KINDS = {SHOP: Kind.CONFIGURATION, SHOP_DEFINITION: Kind.DEFINITION, PLAIN: Kind.CONFIGURATION}
HEAD = '<ServiceConfiguration serviceName="s" xmlns="http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration">'


def configuration(inside: str = "", attributes: str = "") -> bytes:
    """A small configuration with something in it."""
    return f"{HEAD[:-1]}{attributes}>{inside}</ServiceConfiguration>".encode()
