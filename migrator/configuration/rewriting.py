"""Rewriting a .cscfg and a .csdef for Cloud Services (extended support), step by step as azure.md 4.4 and 4.5 say.

Only what has to change is changed; each change says why and who says so. What the product does not know, or will not
decide for somebody, is a note. Rewriting what was rewritten changes nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from migrator import sizes
from migrator.configuration.document import Document, Element, parse_text
from migrator.configuration.editing import Edit, New, applied, difference, insertion, new_value, removal
from migrator.configuration.masking import masked
from migrator.configuration.target import Target
from migrator.configuration.values import ROOTS, Kind
from migrator.counterparts import portal_name

REMOTE = ("microsoft.windowsazure.plugins.remoteaccess.", "microsoft.windowsazure.plugins.remoteforwarder.")
DIAGNOSTICS = "microsoft.windowsazure.plugins.diagnostics."
DIAGNOSTICS_CONNECTION = DIAGNOSTICS + "connectionstring"
PASSWORD_CERTIFICATE = "microsoft.windowsazure.plugins.remoteaccess.passwordencryption"  # noqa: S105 - a name
REMOTE_MODULES = ("remoteaccess", "remoteforwarder")
_ID = "/subscriptions/"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the line in the file as it was, what was done, why, and the documents which say so (short names of
    azure.md). `inferred`: general knowledge, said by none of them."""

    line: int
    what: str
    why: str
    documents: tuple[str, ...]
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What is left to a person."""

    line: int
    sentence: str
    documents: tuple[str, ...] = ()


@dataclass(slots=True)
class Rewritten:
    """A document, and what becomes of it."""

    document: Document
    changes: list[Change] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)

    @property
    def text(self) -> bytes:
        return applied(self.document.text, self.edits)

    @property
    def data(self) -> bytes:
        """The rewritten file, in the encoding of the given one; byte for byte the given one where nothing changes.
        It holds what the given one held, secrets included: send it to who gave it, and keep it nowhere."""
        return self.document.bytes_of(self.text)

    def difference(self) -> list[str]:
        """The difference line by line, unified; without secrets."""
        return difference(*self.sides(), self.edits, self.document.text)

    def sides(self) -> tuple[bytes, bytes]:
        """The given text and the rewritten one, without secrets."""
        return masked(self.document), masked(parse_text(self.text))

    def change(self, line: int, edit: Edit, what: str, why: str, *documents: str, inferred: bool = False) -> None:
        self.edits.append(edit)
        self.changes.append(Change(line, what, why, documents, inferred))

    def note(self, line: int, sentence: str, *documents: str) -> None:
        self.notes.append(Note(line, sentence, documents))


def rewrite(document: Document, target: Target) -> Rewritten:
    """A document of `open_file`, rewritten for what its deployment becomes."""
    done = Rewritten(document)
    if ROOTS[document.root.name] is Kind.CONFIGURATION:
        _site_and_subnets(done, target)
        _addresses(done, target)
        _settings(done)
    else:
        for role in document.root.children:
            if role.name in ("WebRole", "WorkerRole"):
                _size(done, role)
                _imports(done, role)
                _defined_settings(done, role)
    done.changes.sort(key=lambda one: one.line)
    done.notes.sort(key=lambda one: one.line)
    return done


# Configuration, steps 1 and 2: the network and a subnet for every role


def _site_and_subnets(done: Rewritten, target: Target) -> None:
    root = done.document.root
    network = root.first("NetworkConfiguration")
    sites = network.of("VirtualNetworkSite") if network else []
    new_site = _site(done, target, sites[0] if sites else None)
    if new_site is None and not sites:
        return
    addresses = _missing_addresses(done, target, network)
    _insert(done, network, new_site, addresses)


def _site(done: Rewritten, target: Target, site: Element | None) -> New | None:
    """Change the named network, or give what has to be written where none is named."""
    root = done.document.root
    wanted, said = target.network, site.get("name").strip() if site else ""
    line = site.line if site else root.line
    if wanted is None:
        if target.in_network is False and site is None:
            done.note(
                line,
                "The deployment lies in the hidden default network. Which network it becomes is seen after Prepare: "
                "rewrite the file again then, and the network with a subnet for every role is written into it.",
                "cs-td",
            )
        elif site is not None and not said.lower().startswith(_ID):
            done.note(line, f"It is not known which network {said!r} is, so it was left as it is.")
        return None
    expected = (
        "" if wanted.found else " It is the id the documents lead to expect; rewrite the file again after Prepare."
    )
    if site is None:
        done.changes.append(
            Change(
                line,
                f"Named the virtual network {wanted.text}",
                "The file has to name the network by its Resource Manager id." + expected,
                ("cs-td", "cs-net") if target.in_network is False else ("cs-pre", "cs-net"),
            )
        )
        return New("VirtualNetworkSite", (("name", wanted.text),))
    if said.lower() == wanted.text.lower():
        return None
    if said.lower().startswith(_ID) and not wanted.found:
        done.note(
            line, f"The file names {said} already; expected is {wanted.text}. Nothing was changed; see after Prepare."
        )
        return None
    if not said.lower().startswith(_ID) and said.lower() not in target.called:
        done.note(
            line, f"The file names the network {said!r}, which the deployment does not lie in. It was left as it is."
        )
        return None
    attribute = site.attribute("name")
    if attribute is None:
        done.note(line, "A VirtualNetworkSite without a name was left as it is.", "cs-net")
        return None
    done.change(
        line,
        new_value(attribute, wanted.text),
        f"Named the virtual network {wanted.text} instead of {said}",
        "The bare name is enough only where network and service share a resource group, which a migration never makes."
        + expected,
        "cs-pre",
        "cs-post",
    )
    return None


def _missing_addresses(done: Rewritten, target: Target, network: Element | None) -> list[New]:
    """An `InstanceAddress` for every role that has none, where the network leaves no choice of a subnet."""
    root = done.document.root
    listed = network.of("AddressAssignments", "InstanceAddress") if network else []
    there = {name.lower() for name in target.subnets}
    for address in listed:
        for subnet in address.of("Subnets", "Subnet"):
            if there and subnet.get("name").lower() not in there:
                done.note(
                    subnet.line, f"The network has no subnet {subnet.get('name')}: it has {_all(target.subnets)}."
                )
    have = {one.get("roleName").lower() for one in listed if one.of("Subnets", "Subnet")}
    named = {one.get("roleName").lower() for one in listed}
    found = []
    for role in root.of("Role"):
        name = role.get("name")
        if name.lower() in have:
            continue
        if len(target.subnets) != 1 or name.lower() in named:
            choice = f" The network has the subnets {_all(target.subnets)}." if target.subnets else ""
            done.note(role.line, f"Role {name} has no subnet: give it an InstanceAddress.{choice}", "cs-net")
            continue
        found.append(
            New(
                "InstanceAddress",
                (("roleName", name),),
                (New("Subnets", (), (New("Subnet", (("name", target.subnets[0]),)),)),),
            )
        )
        done.changes.append(
            Change(
                role.line,
                f"Gave role {name} the subnet {target.subnets[0]}",
                "Every role needs one InstanceAddress; this is the only subnet of the network.",
                ("cs-net",),
            )
        )
    return found


def _insert(done: Rewritten, network: Element | None, site: New | None, addresses: Sequence[New]) -> None:
    """Write what is missing where the schema has its place: site, address assignments, load balancers (cs-net [D])."""
    document = done.document
    assignments = network.first("AddressAssignments") if network else None
    after = network.first("LoadBalancers") if network else None
    new = [site] if site and not assignments else []
    if network and assignments:
        if site:
            done.edits.append(insertion(document, network, [site], before=assignments))
        if addresses:
            done.edits.append(insertion(document, assignments, addresses, before=assignments.first("ReservedIPs")))
    elif addresses:
        new.append(New("AddressAssignments", (), tuple(addresses)))
    if not new:
        return
    if network:
        done.edits.append(insertion(document, network, new, before=after))
    else:
        done.edits.append(insertion(document, document.root, [New("NetworkConfiguration", (), tuple(new))]))


# Step 3: reserved addresses


def _addresses(done: Rewritten, target: Target) -> None:
    for one in done.document.root.of("NetworkConfiguration", "AddressAssignments", "ReservedIPs", "ReservedIP"):
        attribute = one.attribute("name")
        if attribute is None:
            continue
        known = target.addresses.get(attribute.value.lower())
        portal = attribute.value.lower().startswith("group ")
        new = known.text if known else portal_name(attribute.value) if portal else attribute.value
        if new == attribute.value:
            continue
        found = "" if known and known.found else " It is the name the documents lead to expect."
        done.change(
            one.line,
            new_value(attribute, new),
            f"Named the public IP {new} instead of {attribute.value}",
            "A reserved address becomes a static public IP, whose name the file has to carry." + found,
            "cs-td",
            "cs-net",
        )


# Step 4: plugins


def _settings(done: Rewritten) -> None:
    for role in done.document.root.of("Role"):
        for setting in role.of("ConfigurationSettings", "Setting"):
            name = setting.get("name")
            if name.lower().startswith(REMOTE):
                why = "The remote desktop plugin is not offered any more; an extension takes its place."
            elif name.lower() == DIAGNOSTICS_CONNECTION:
                why = "The diagnostics plugin is not offered any more; an extension takes its place."
            else:
                continue
            what = f"Removed the setting {name} of role {role.get('name')}"
            done.change(setting.line, removal(done.document, setting), what, why, "cs-pre")
        for certificate in role.of("Certificates", "Certificate"):
            if certificate.get("name").lower() == PASSWORD_CERTIFICATE:
                done.change(
                    certificate.line,
                    removal(done.document, certificate),
                    f"Removed the certificate {certificate.get('name')} of role {role.get('name')}",
                    "It encrypts the password of the remote desktop plugin, which goes.",
                    "common",
                    inferred=True,
                )


# Definition, steps 1 and 2


def _size(done: Rewritten, role: Element) -> None:
    attribute, name = role.attribute("vmsize"), role.get("name")
    written = attribute.value.strip() if attribute else ""
    size = sizes.size(written or "Small")
    if size is None:
        done.note(role.line, f"The size {written} of role {name} is not in the size table; see whether it is offered.")
        return
    if not size.legacy:
        return
    if size.recommended is None:
        done.note(
            role.line, f"The size {written} of role {name} is deprecated and has no successor; choose one.", "cs-pre"
        )
        return
    if attribute is not None:
        done.change(
            role.line,
            new_value(attribute, size.recommended),
            f"Gave role {name} the size {size.recommended} instead of {written}",
            "The size table names it as the size to write.",
            "cs-pre",
        )
        return
    last = role.attributes[-1]
    done.change(
        role.line,
        Edit(last.end + 1, last.end + 1, f' vmsize="{size.recommended}"'.encode()),
        f"Gave role {name} the size {size.recommended}; none was written, which means Small",
        "The size table names it as the size to write.",
        "cs-pre",
        "common",
        inferred=True,
    )


def _imports(done: Rewritten, role: Element) -> None:
    for imports in role.of("Imports"):
        listed = imports.of("Import")
        remote = [one for one in listed if one.get("moduleName").lower() in REMOTE_MODULES]
        for one in listed:
            if one.get("moduleName").lower() == "diagnostics":
                done.note(
                    one.line,
                    f"Role {role.get('name')} imports the module Diagnostics, whose setting goes from the "
                    "configuration. Take the import out too where the package does not build without the setting.",
                    "common",
                )
        if not remote:
            continue
        lone = len(remote) == len(imports.children) and not done.document.has_aside(imports)
        for one in remote:
            done.change(
                one.line,
                removal(done.document, one),
                f"Removed the import {one.get('moduleName')} of role {role.get('name')}",
                "The remote desktop plugin is not offered any more; an extension takes its place.",
                "cs-pre",
            )
        if lone:  # nothing is left in it, not even a comment
            done.edits.append(removal(done.document, imports))


def _defined_settings(done: Rewritten, role: Element) -> None:
    for setting in role.of("ConfigurationSettings", "Setting"):
        name = setting.get("name")
        if name.lower().startswith((*REMOTE, DIAGNOSTICS)):
            done.change(
                setting.line,
                removal(done.document, setting),
                f"Removed the setting {name} of role {role.get('name')}",
                "It belongs to a plugin which is not offered any more.",
                "cs-pre",
            )


def _all(names: Sequence[str]) -> str:
    return ", ".join(names)
