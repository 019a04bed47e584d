"""Answers of service management as the public clients read them (azure.md 1.4, asm-js [S]): element names and nesting
are [S]; the values are ours. What else is not documented carries its tag beside it."""

import base64

NAMESPACE = "http://schemas.microsoft.com/windowsazure"
CSCFG = (
    '<?xml version="1.0"?><ServiceConfiguration serviceName="cs1" osFamily="6" osVersion="*" '
    'xmlns="http://schemas.microsoft.com/ServiceHosting/2008/10/ServiceConfiguration">'
    '<Role name="Web"><Instances count="2"/><ConfigurationSettings>'
    '<Setting name="Storage" value="DefaultEndpointsProtocol=https;AccountKey=topsecret"/></ConfigurationSettings>'
    "</Role>"
    '<NetworkConfiguration><VirtualNetworkSite name="Group rg1 vnet1"/><AddressAssignments><InstanceAddress '
    'roleName="Web"><Subnets><Subnet name="front"/></Subnets></InstanceAddress></AddressAssignments>'
    "</NetworkConfiguration></ServiceConfiguration>"
)  # fmt: skip


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


HOSTED = f"""<HostedService><Url>https://x/cs1</Url><ServiceName>cs1</ServiceName><HostedServiceProperties>
<Location>West Europe</Location><Label>{packed("Shop")}</Label><Status>Created</Status>
<DateCreated>2015-01-02T03:04:05Z</DateCreated><ExtendedProperties>
<ExtendedProperty><Name>ResourceGroup</Name><Value>rg1</Value></ExtendedProperty>
<ExtendedProperty><Name>ResourceLocation</Name><Value>West Europe</Value></ExtendedProperty>
</ExtendedProperties></HostedServiceProperties></HostedService>"""


def instance(number: int, size: str = "Small") -> str:
    return f"""<RoleInstance><RoleName>Web</RoleName><InstanceName>Web_IN_{number}</InstanceName>
<InstanceStatus>ReadyRole</InstanceStatus><InstanceSize>{size}</InstanceSize><IpAddress>10.0.0.{number + 4}</IpAddress>
<InstanceEndpoints><InstanceEndpoint><Name>Http</Name><Vip>40.0.0.1</Vip><PublicPort>80</PublicPort>
<LocalPort>8080</LocalPort><Protocol>tcp</Protocol></InstanceEndpoint></InstanceEndpoints></RoleInstance>"""


WEB = f"""<Deployment><Name>cs1-prod</Name><DeploymentSlot>Production</DeploymentSlot><PrivateID>abc</PrivateID>
<Status>Running</Status><Label>{packed("v7")}</Label><Url>http://cs1.cloudapp.net/</Url>
<Configuration>{packed(CSCFG)}</Configuration>
<RoleInstanceList>{instance(0)}{instance(1)}</RoleInstanceList><UpgradeDomainCount>5</UpgradeDomainCount>
<RoleList><Role><RoleName>Web</RoleName><OsVersion>WA-GUEST-OS-6.58_202409-01</OsVersion></Role></RoleList>
<SdkVersion>2.9.8699.20</SdkVersion><Locked>false</Locked><RollbackAllowed>false</RollbackAllowed>
<VirtualNetworkName>Group rg1 vnet1</VirtualNetworkName><CreatedTime>2019-01-02T03:04:05Z</CreatedTime>
<VirtualIPs><VirtualIP><Address>40.0.0.1</Address><IsDnsProgrammed>true</IsDnsProgrammed><Name>vip</Name>
<ReservedIPName>rip1</ReservedIPName></VirtualIP></VirtualIPs>
<ExtensionConfiguration><AllRoles><Extension><Id>Web-RDP</Id><State>Enable</State></Extension></AllRoles>
<NamedRoles><Role><RoleName>Other</RoleName><Extensions><Extension><Id>Other-X</Id></Extension></Extensions></Role>
</NamedRoles></ExtensionConfiguration></Deployment>"""

EXTENSIONS = """<Extensions><Extension><ProviderNameSpace>Microsoft.Windows.Azure.Extensions</ProviderNameSpace>
<Type>RDP</Type><Id>Web-RDP</Id><Version>1.*</Version><PublicConfiguration>c2VjcmV0</PublicConfiguration></Extension>
</Extensions>"""
CERTIFICATES = """<Certificates><Certificate><CertificateUrl>https://x</CertificateUrl><Thumbprint>AB12</Thumbprint>
<ThumbprintAlgorithm>sha1</ThumbprintAlgorithm><Data>MIIBsecret</Data></Certificate></Certificates>"""


def machines(state: str = "") -> str:
    """An IaaS deployment of one virtual machine; `state` as MigrationState, which is absent while nothing goes on."""
    shown = f"<MigrationState>{state}</MigrationState>" if state else ""
    return f"""<Deployment><Name>cs2</Name><DeploymentSlot>Production</DeploymentSlot><Status>Running</Status>
<RoleInstanceList><RoleInstance><RoleName>vm1</RoleName><InstanceName>vm1</InstanceName>
<InstanceStatus>ReadyRole</InstanceStatus><InstanceSize>Standard_D2_v2</InstanceSize><IpAddress>10.0.0.4</IpAddress>
<GuestAgentStatus><Status>Ready</Status></GuestAgentStatus><PowerState>Started</PowerState><HostName>vm1</HostName>
</RoleInstance></RoleInstanceList><RoleList><Role i:type="PersistentVMRole"><RoleName>vm1</RoleName>
<RoleType>PersistentVMRole</RoleType><ConfigurationSets><ConfigurationSet>
<ConfigurationSetType>NetworkConfiguration</ConfigurationSetType><InputEndpoints><InputEndpoint>
<LoadBalancedEndpointSetName>lb</LoadBalancedEndpointSetName><LocalPort>22</LocalPort><Name>SSH</Name><Port>2222</Port>
<Protocol>tcp</Protocol><Vip>40.0.0.2</Vip><EndpointAcl><Rules><Rule><Order>100</Order><Action>permit</Action>
<RemoteSubnet>1.2.3.0/24</RemoteSubnet></Rule></Rules></EndpointAcl></InputEndpoint></InputEndpoints>
<SubnetNames><SubnetName>back</SubnetName></SubnetNames>
<StaticVirtualNetworkIPAddress>10.0.0.4</StaticVirtualNetworkIPAddress>
<NetworkInterfaces><NetworkInterface><Name>nic2</Name><IPConfigurations><IPConfiguration><SubnetName>front</SubnetName>
</IPConfiguration></IPConfigurations></NetworkInterface></NetworkInterfaces></ConfigurationSet></ConfigurationSets>
<ResourceExtensionReferences><ResourceExtensionReference><ReferenceName>BGInfo</ReferenceName>
<Publisher>Microsoft.Compute</Publisher><Name>BGInfo</Name><Version>1.*</Version><State>Enable</State>
<ResourceExtensionParameterValues><ResourceExtensionParameterValue><Key>k</Key><Value>c2VjcmV0</Value>
</ResourceExtensionParameterValue></ResourceExtensionParameterValues></ResourceExtensionReference>
</ResourceExtensionReferences><AvailabilitySetName>as1</AvailabilitySetName>
<DataVirtualHardDisks><DataVirtualHardDisk><DiskName>d2</DiskName><Lun>0</Lun>
<LogicalDiskSizeInGB>10</LogicalDiskSizeInGB><MediaLink>https://acc.blob.core.windows.net/vhds/d2.vhd</MediaLink>
<IOType>Standard</IOType></DataVirtualHardDisk></DataVirtualHardDisks>
<OSVirtualHardDisk><DiskName>d1</DiskName><MediaLink>https://acc.blob.core.windows.net/vhds/d1.vhd</MediaLink>
<OS>Linux</OS><IOType>Provisioned</IOType></OSVirtualHardDisk><RoleSize>Standard_D2_v2</RoleSize>
<DebugSettings><BootDiagnosticsEnabled>true</BootDiagnosticsEnabled></DebugSettings>
<LicenseType>Windows_Server</LicenseType>{shown}</Role></RoleList>
<VirtualNetworkName>Group rg1 vnet1</VirtualNetworkName></Deployment>"""


def site(name: str = "Group rg1 vnet1", state: str = "", connection: str = "IPsec") -> str:
    """`VirtualNetworkSite`; that a Dedicated connection means ExpressRoute is [I]."""
    shown = f"<MigrationState>{state}</MigrationState>" if state else ""
    return f"""<VirtualNetworkSite><Name>{name}</Name><Id>id1</Id><Location>West Europe</Location><State>Created</State>
<AddressSpace><AddressPrefixes><AddressPrefix>10.0.0.0/16</AddressPrefix></AddressPrefixes></AddressSpace>
<Subnets><Subnet><Name>front</Name><AddressPrefix>10.0.0.0/24</AddressPrefix>
<NetworkSecurityGroup>nsg1</NetworkSecurityGroup></Subnet><Subnet><Name>back</Name>
<AddressPrefix>10.0.1.0/24</AddressPrefix></Subnet></Subnets>
<Dns><DnsServers><DnsServer><Name>one</Name><Address>10.0.0.9</Address></DnsServer></DnsServers></Dns>
<Gateway><Profile>Small</Profile><Sites><LocalNetworkSite><Name>office</Name>
<Connections><Connection><Type>{connection}</Type></Connection></Connections></LocalNetworkSite></Sites></Gateway>
{shown}</VirtualNetworkSite>"""


GATEWAY = """<Gateway><State>Provisioned</State><VIPAddress>40.0.0.9</VIPAddress>
<GatewayType>DynamicRouting</GatewayType><GatewaySize>Small</GatewaySize></Gateway>"""
CONNECTIONS = """<Connections><Connection><LocalNetworkSiteName>office</LocalNetworkSiteName>
<ConnectivityState>Connected</ConnectivityState></Connection></Connections>"""
GROUPS = """<NetworkSecurityGroups><NetworkSecurityGroup><Name>nsg1</Name><Label>one</Label>
<Location>West Europe</Location></NetworkSecurityGroup></NetworkSecurityGroups>"""
RESERVED = """<ReservedIPs><ReservedIP><Name>rip1</Name><Address>40.0.0.1</Address><State>Created</State>
<InUse>true</InUse><ServiceName>cs1</ServiceName><DeploymentName>cs1-prod</DeploymentName>
<Location>West Europe</Location></ReservedIP>
<ReservedIP><Name>rip2</Name><Address>40.0.0.3</Address><State>Created</State><InUse>false</InUse>
<Location>West Europe</Location></ReservedIP><ReservedIP><Name>rip3</Name></ReservedIP></ReservedIPs>"""
TABLE = """<RouteTable><Name>rt1</Name><Label>one</Label><Location>West Europe</Location>
<RouteTableState>Created</RouteTableState><RouteList><Route><Name>out</Name><AddressPrefix>0.0.0.0/0</AddressPrefix>
<NextHopType><Type>VirtualAppliance</Type><IpAddress>10.0.0.200</IpAddress></NextHopType></Route></RouteList></RouteTable>"""
TABLES = "<RouteTables><RouteTable><Name>rt1</Name><Location>West Europe</Location></RouteTable></RouteTables>"


def account(state: str = "") -> str:
    shown = f"<MigrationState>{state}</MigrationState>" if state else ""
    return f"""<StorageService><Url>https://x</Url><ServiceName>acc</ServiceName><StorageServiceProperties>
<Location>West Europe</Location><Label>{packed("acc")}</Label><Status>Created</Status>
<GeoPrimaryRegion>West Europe</GeoPrimaryRegion><StatusOfPrimary>Available</StatusOfPrimary>
<AccountType>Standard_LRS</AccountType></StorageServiceProperties><ExtendedProperties><ExtendedProperty>
<Name>ResourceGroup</Name><Value>rg2</Value></ExtendedProperty></ExtendedProperties>{shown}</StorageService>"""


DISKS = """<Disks><Disk><AttachedTo><HostedServiceName>cs2</HostedServiceName><DeploymentName>cs2</DeploymentName>
<RoleName>vm1</RoleName></AttachedTo><Name>d1</Name><OS>Linux</OS><LogicalDiskSizeInGB>30</LogicalDiskSizeInGB>
<MediaLink>https://acc.blob.core.windows.net/vhds/d1.vhd</MediaLink><IOType>Standard</IOType></Disk>
<Disk><AttachedTo i:nil="true"/><Name>d9</Name><MediaLink>https://acc.blob.core.windows.net/vhds/d9.vhd</MediaLink></Disk>
<Disk><Name>d8</Name><MediaLink>https://acc.blob.core.windows.net/vhds/d8.vhd</MediaLink></Disk>
<Disk><Name>nowhere</Name></Disk></Disks>"""
IMAGES = """<Images><OSImage><Name>mine</Name><MediaLink>https://acc.blob.core.windows.net/images/mine.vhd</MediaLink>
<OS>Windows</OS></OSImage><OSImage><Name>platform</Name></OSImage></Images>"""
VM_IMAGES = """<VMImages><VMImage><Name>whole</Name><OSDiskConfiguration><OS>Linux</OS>
<MediaLink>https://acc.blob.core.windows.net/images/whole.vhd</MediaLink></OSDiskConfiguration></VMImage></VMImages>"""
