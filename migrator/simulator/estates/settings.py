"""Settings that hang on classic things: autoscale, alerts, grants, locks (azure.md 6); other resources."""

from collections.abc import Mapping, Sequence
from typing import Any

from migrator.simulator.estates.parts import Document, Place, guid

ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Classic Virtual Machine Contributor": "d73bb868-a0df-4d4d-bd69-98a00b01fccb",
    "Classic Network Contributor": "b34d265f-36f7-4a0d-a4d4-e158ca92e90f",
    "Classic Storage Account Contributor": "86e8f5dc-a6e9-4c67-9d15-de283e8eac25",
}


class Settings(Place):
    """What else a subscription holds."""

    def autoscale(
        self,
        group: str,
        name: str,
        target: str,
        region: str,
        rules: Sequence[Mapping[str, Any]],
        *,
        capacity: tuple[int, int, int] = (2, 3, 8),
        more_profiles: Sequence[Mapping[str, Any]] = (),
        emails: Sequence[str] = (),
        webhook: str | None = None,
        enabled: bool = True,
    ) -> Document:
        """An autoscale setting. `capacity`: minimum, default, maximum."""
        low, usual, high = (str(value) for value in capacity)
        limits = {"minimum": low, "default": usual, "maximum": high}
        profiles = [{"name": "Usual load", "capacity": limits, "rules": [dict(rule) for rule in rules]}]
        notifications = []
        if emails or webhook:
            notifications.append(
                {
                    "operation": "Scale",
                    "email": {
                        "sendToSubscriptionAdministrator": True,
                        "sendToSubscriptionCoAdministrators": False,
                        "customEmails": list(emails),
                    },
                    "webhooks": [{"serviceUri": webhook, "properties": {}}] if webhook else [],
                }
            )
        return self.builder.add(
            self.id(group, "Microsoft.Insights/autoscaleSettings", name),
            "Microsoft.Insights/autoscaleSettings",
            {
                "name": name,
                "enabled": enabled,
                "targetResourceUri": target,
                "profiles": [*profiles, *(dict(profile) for profile in more_profiles)],
                "notifications": notifications,
            },
            location=region,
            tags={},
        )

    def alert(
        self,
        group: str,
        name: str,
        target: str,
        region: str,
        *,
        metric: str = "Percentage CPU",
        operator: str = "GreaterThan",
        threshold: float = 85,
        window: str = "PT15M",
        aggregation: str = "Average",
        emails: Sequence[str] = (),
        webhook: str | None = None,
        enabled: bool = True,
    ) -> Document:
        """A classic alert rule (azure.md 6.3 [K])."""
        models = "Microsoft.Azure.Management.Insights.Models."
        actions: list[dict[str, Any]] = []
        if emails:
            actions.append(
                {"odata.type": models + "RuleEmailAction", "sendToServiceOwners": True, "customEmails": list(emails)}
            )
        if webhook:
            actions.append(
                {"odata.type": models + "RuleWebhookAction", "serviceUri": webhook, "properties": {"team": "web"}}
            )
        return self.builder.add(
            self.id(group, "Microsoft.Insights/alertRules", name),
            "Microsoft.Insights/alertRules",
            {
                "name": name,
                "description": f"{metric} of {target.rpartition('/')[2]}",
                "isEnabled": enabled,
                "condition": {
                    "odata.type": models + "ThresholdRuleCondition",
                    "dataSource": {
                        "odata.type": models + "RuleMetricDataSource",
                        "resourceUri": target,
                        "metricName": metric,
                    },
                    "operator": operator,
                    "threshold": threshold,
                    "windowSize": window,
                    "timeAggregation": aggregation,
                },
                "actions": actions,
            },
            location=region,
            tags={},
        )

    def activity_log_alert(self, group: str, name: str, scope: str, operation: str) -> Document:
        clauses = [
            {"field": "category", "equals": "Administrative"},
            {"field": "resourceId", "equals": scope},
            {"field": "operationName", "equals": operation},
        ]
        return self.builder.add(
            self.id(group, "Microsoft.Insights/activityLogAlerts", name),
            "Microsoft.Insights/activityLogAlerts",
            {"scopes": [scope], "condition": {"allOf": clauses}, "actions": {"actionGroups": []}, "enabled": True},
            location="global",
            tags={},
        )

    def grant(self, scope: str, role: str, principal: str, kind: str = "Group") -> Document:
        """A role assignment at any scope."""
        definition = (
            f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"
        )
        return self.builder.add(
            f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid(scope, role, principal)}",
            "Microsoft.Authorization/roleAssignments",
            {
                "roleDefinitionId": definition,
                "principalId": guid("principal", principal),
                "principalType": kind,
                "scope": scope,
            },
        )

    def administrator(self, address: str, role: str = "CoAdministrator") -> Document:
        """A classic administrator; the role is ServiceAdministrator, AccountAdministrator, CoAdministrator, or several
        of them with semicolons between [K]."""
        kind, name = "Microsoft.Authorization/classicAdministrators", guid(self.subscription, "administrator", address)
        place = f"/subscriptions/{self.subscription}/providers/{kind}/{name}"
        return self.builder.add(place, kind, {"emailAddress": address, "role": role})

    def jit(self, group: str, machine: Document, port: int, longest: str = "PT3H") -> Document:
        """A just-in-time policy on one machine (azure.md 6.4)."""
        region, kind = machine["location"], "Microsoft.Security/locations/jitNetworkAccessPolicies"
        place = (
            f"/subscriptions/{self.subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{region}"
        )
        allowed = {
            "number": port,
            "protocol": "TCP",
            "allowedSourceAddressPrefix": "*",
            "maxRequestAccessDuration": longest,
        }
        return self.builder.add(
            f"{place}/jitNetworkAccessPolicies/{machine['name']}-jit",
            kind,
            {"virtualMachines": [{"id": machine["id"], "ports": [allowed]}], "provisioningState": "Succeeded"},
            location=region,
            kind="Basic",
        )

    def traffic(self, group: str, name: str, *services: Document) -> Document:
        """A Traffic Manager profile with an endpoint for each cloud service, the first one preferred [K]."""
        kind = "Microsoft.Network/trafficManagerProfiles"
        place = self.id(group, kind, name)
        endpoints = [
            {
                "id": f"{place}/azureEndpoints/{service['name']}",
                "name": service["name"],
                "type": f"{kind}/azureEndpoints",
                "properties": {
                    "targetResourceId": service["id"],
                    "target": f"{service['name']}.cloudapp.net",
                    "endpointStatus": "Enabled",
                    "endpointMonitorStatus": "Online",
                    "weight": 1,
                    "priority": number,
                },
            }
            for number, service in enumerate(services, 1)
        ]
        facts = {"profileStatus": "Enabled", "trafficRoutingMethod": "Priority", "endpoints": endpoints}
        return self.builder.add(place, kind, facts, location="global", tags={})

    def key_vault(self, group: str, name: str, region: str, secrets: Mapping[str, str]) -> Document:
        """A Key Vault that gives its secrets to who has the role."""
        made = self.arm(group, "Microsoft.KeyVault/vaults", name, region, {"enableRbacAuthorization": True})
        for key, value in secrets.items():
            kind = f"{made['type']}/secrets"
            self.builder.add(f"{made['id']}/secrets/{key}", kind, {"value": value})
        return made

    def vault(self, group: str, name: str, region: str) -> Document:
        """A Recovery Services vault."""
        return self.arm(group, "Microsoft.RecoveryServices/vaults", name, region, {})

    def backup(self, vault: Document, machine: Document, policy: str, state: str = "ProtectionStopped") -> Document:
        """A machine the vault backs up; before a move its protection is stopped and the data kept [K]."""
        service = machine["properties"]["domainName"]["name"]
        names = f"iaasvmcontainer;{service};{machine['name']}"
        kind = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"
        return self.builder.add(
            f"{vault['id']}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{names}/protectedItems/VM;{names}",
            kind,
            {
                "protectedItemType": "Microsoft.ClassicCompute/virtualMachines",
                "backupManagementType": "AzureIaasVM",
                "workloadType": "VM",
                "friendlyName": machine["name"],
                "sourceResourceId": machine["id"],
                "policyId": f"{vault['id']}/backupPolicies/{policy}",
                "protectionState": state,
            },
        )

    def replication(self, vault: Document, machine: Document) -> Document:
        """A machine that is replicated to another region [K]."""
        kind = "replicationFabrics/replicationProtectionContainers/replicationProtectedItems"
        facts = {
            "friendlyName": machine["name"],
            "protectionState": "Protected",
            "providerSpecificDetails": {"instanceType": "A2A", "fabricObjectId": machine["id"]},
        }
        place = (
            f"replicationFabrics/near/replicationProtectionContainers/all/replicationProtectedItems/{machine['name']}"
        )
        return self.builder.add(f"{vault['id']}/{place}", f"{vault['type']}/{kind}", facts)

    def lock(self, scope: str, name: str, level: str, notes: str) -> Document:
        kind = "Microsoft.Authorization/locks"
        return self.builder.add(f"{scope}/providers/{kind}/{name}", kind, {"level": level, "notes": notes})

    def arm(
        self, group: str, resource_type: str, name: str, region: str, properties: Mapping[str, Any], **more: Any
    ) -> Document:
        """A Resource Manager resource that matters to a rule."""
        body = {"provisioningState": "Succeeded", **properties}
        return self.builder.add(
            self.id(group, resource_type, name), resource_type, body, location=region, tags={}, **more
        )


def rule(
    target: str,
    metric: str,
    operator: str,
    threshold: float,
    change: int,
    *,
    window: str = "PT10M",
    aggregation: str = "Average",
    cooldown: str = "PT10M",
) -> dict[str, Any]:
    """One autoscale rule; a negative `change` scales in."""
    return {
        "metricTrigger": {
            "metricName": metric,
            "metricNamespace": "",
            "metricResourceUri": target,
            "timeGrain": "PT5M",
            "statistic": "Average",
            "timeWindow": window,
            "timeAggregation": aggregation,
            "operator": operator,
            "threshold": threshold,
        },
        "scaleAction": {
            "direction": "Increase" if change > 0 else "Decrease",
            "type": "ChangeCount",
            "value": str(abs(change)),
            "cooldown": cooldown,
        },
    }
