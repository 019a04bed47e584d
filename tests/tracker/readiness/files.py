"""Configuration files as the people of the estates would have them, full of canaries."""

CANARY = "CANARY-9f1c"
NAMESPACE = "http://schemas.microsoft.com/ServiceHosting/2008/10/Service"


def cscfg(service: str, role: str, *, count: int = 2, plugin: str = "", network: str = "", site: str = "") -> bytes:
    """A configuration of one role. `plugin`: a module to switch on; `network`: what stands in NetworkConfiguration."""
    name = f"Microsoft.WindowsAzure.Plugins.{plugin}"
    plugins = (
        plugin
        and f"""
      <Setting name="{name}.Enabled" value="true" />
      <Setting name="{name}.AccountEncryptedPassword" value="{CANARY}-password" />"""
    )
    if site:
        network = f"""
  <NetworkConfiguration>
    <VirtualNetworkSite name="{site}" />
  </NetworkConfiguration>"""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!-- {CANARY}-comment -->
<ServiceConfiguration serviceName="{service}" osFamily="6" osVersion="*" xmlns="{NAMESPACE}Configuration">
  <Role name="{role}">
    <Instances count="{count}" />
    <ConfigurationSettings>
      <Setting name="Storage.ConnectionString" value="AccountName=s;AccountKey={CANARY}-key==" />{plugins}
    </ConfigurationSettings>
  </Role>{network}
</ServiceConfiguration>
""".encode()


def csdef(service: str, role: str, *, size: str = "Small") -> bytes:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<ServiceDefinition name="{service}" xmlns="{NAMESPACE}Definition">
  <WebRole name="{role}" vmsize="{size}">
    <Startup>
      <Task commandLine="install.cmd {CANARY}-argument" executionContext="elevated" />
    </Startup>
    <Imports>
      <Import moduleName="RemoteAccess" />
    </Imports>
  </WebRole>
</ServiceDefinition>
""".encode()
