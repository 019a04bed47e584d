"""The simulated platform: one state machine over wire documents (azure.md 2), stricter than Azure.

Nothing here knows HTTP. Time passes through `tick`, which is called before anything is looked at. Every method that
can be refused raises ArmError. What a careful client never does (a second submit while one runs, an abort after a
commit was attempted, a commit of something not prepared) is refused *and* recorded as a breach.
"""

import math
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from migrator.simulator import faults as switches
from migrator.simulator import lifecycle, providers, validation
from migrator.simulator import scope as scopes
from migrator.simulator.clock import Clock
from migrator.simulator.errors import ArmError, Violation, bad_request, resource_not_found
from migrator.simulator.faults import Faults, Unanswered
from migrator.simulator.quotas import Quotas, instance_count
from migrator.simulator.records import Breach, Finished, Late, Migration, Operation, Registration, Table
from migrator.simulator.scope import MOVABLE, Scope, kind_of, network_of, parent_key, properties
from migrator.simulator.store import Document, Store, group_in, subscription_in
from migrator.simulator.translation import GROUP_TYPE, group_document

MIGRATE = "Microsoft.ClassicInfrastructureMigrate"
CLOUD_SERVICES = "Microsoft.Compute/CloudServices"
VAULT = "Microsoft.RecoveryServices/vaults"
REGISTRATION = 180.0  # simulated seconds (azure.md 7: minutes)
GIVES_UP = 24 * 3600.0  # azure.md 2.1
SECONDS = {  # simulated, of an operation: to begin with, and for each instance [I]; Validate is quick (azure.md 2.1)
    "validate": (15.0, 2.0),
    "prepare": (90.0, 25.0),
    "abort": (40.0, 5.0),
    "commit": (45.0, 10.0),
}


@dataclass
class Settings:
    """Switches that stay: all can be changed while the simulator runs."""

    page_size: int = 100  # of the lists of Resource Manager
    graph_page_size: int = 1000  # the most Resource Graph gives at once, whatever $top says
    throttle: float = 1.0  # factor on the token buckets; 0: no throttling
    operation_header: str = "both"  # both, location, azure-asyncoperation
    # What the classic side shows after a Prepare, Abort or Commit that failed and left its lock. Not documented [I].
    after_failure: str = "Prepared"
    registration_seconds: float = REGISTRATION  # simulated, of a provider or a feature
    upper_case_groups: bool = False  # ids in answers spell their resource group in capitals, as the migration's do
    # The share of units whose Validate answers 202, with its result at the status URL (azure.md 2.3 [I]); the others
    # are answered at once. The seed says which.
    validate_later: float = 0.0


class Platform:
    """All state of one simulated Azure. Not thread-safe: one caller at a time."""

    def __init__(self, estate: Mapping[str, Any], *, seed: int = 1, clock: Clock | None = None) -> None:
        self.seed = seed
        self.clock = clock or Clock()
        self.settings = Settings()
        self.origin = str(estate.get("origin", ""))
        self.store = Store()
        self.faults = Faults()
        self.operations: Table[Operation] = Table(Operation)
        self.migrations: Table[Migration] = Table(Migration)
        self.finished: Table[Finished] = Table(Finished)
        self.breaches: Table[Breach] = Table(Breach)
        self.late: Table[Late] = Table(Late)
        self.registrations: Table[Registration] = Table(Registration)
        self.subscriptions = {row["subscriptionId"].lower(): dict(row) for row in estate.get("subscriptions", ())}
        self.quotas = Quotas(estate.get("usages", ()))
        self.touched = True  # clock or settings changed since they were last kept
        self._load(estate)

    def _load(self, estate: Mapping[str, Any]) -> None:
        for document in estate.get("resources", ()):
            self.store.put(document)
            if group_in(document["id"]) and str(document["type"]).lower() not in scopes.HIDDEN:
                self.ensure_group(document["id"], str(document.get("location", "")))
            self._ensure_vault(document)
        for row in estate.get("registrations", ()):
            self._register(row["subscriptionId"].lower(), row["name"], row["state"], None)

    def ensure_group(self, resource_id: str, location: str) -> None:
        """The resource group of an id, when it does not exist yet. Estate files list resources only."""
        group = group_document(resource_id, location)
        known = self.store.get(group["id"])
        if known is None or (not known["location"] and location):
            self.store.put(group)

    def _ensure_vault(self, document: Document) -> None:
        """The vault of what is protected: a capture holds that, and no vaults (gateway/protection.py)."""
        protected = str(document["id"])
        before = protected.lower().find(f"/{VAULT}/".lower())
        if before < 0:
            return
        start = before + len(f"/{VAULT}/")
        name, _, below = protected[start:].partition("/")
        vault = protected[:start] + name
        if below and self.store.get(vault) is None:
            self.store.put({"id": vault, "name": name, "type": VAULT, "location": "", "properties": {}})

    # Time

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def tick(self) -> None:
        """Let everything happen that is due, in the order of its time."""
        now = self.now
        for row in self.registrations.values():
            if row.until is not None and row.until <= now:
                self._register(row.subscription, row.name, "Registered", None)
        self.quotas.tick(self.moment)
        for _ in range(10_000):
            due = [(late.at, 0, key) for key, late in self.late.items() if late.at <= now]
            due += [
                (end, 1, key)
                for key, operation in self.operations.items()
                if operation.live and (end := self._end(operation)) <= now
            ]
            if not due:
                return
            _, what, key = min(due)
            if what == 0:
                self._arrive(self.late.pop(key))
            else:
                self._finish(self.operations[key])

    def _end(self, operation: Operation) -> float:
        limit = operation.started_at + GIVES_UP
        return limit if operation.ends_at is None else min(operation.ends_at, limit)

    def _finish(self, operation: Operation) -> None:
        if operation.ends_at is None or operation.ends_at > operation.started_at + GIVES_UP:
            operation.plan = {"code": "OperationTimedOut", "message": "The operation did not end within 24 hours."}
        operation.ended_at = self._end(operation)
        lifecycle.complete(self, operation)
        self.operations.touch(operation.operation_id)

    def _arrive(self, late: Late) -> None:
        try:
            self._apply(late.verb, late.unit, late.body, late.client_request_id)
        except ArmError:
            return  # refused on arrival, and nobody waits for the answer

    # Registration

    def registration(self, subscription: str, name: str) -> str:
        """State of a provider or feature. A feature nobody spoke of is NotRegistered."""
        row = self.registrations.get(f"{subscription}|{name}".lower())
        if row is not None:
            return row.state
        if "/" in name:
            return "NotRegistered"
        return providers.DEFAULT_STATE.get(name.lower(), "Registered")

    def register(self, subscription: str, name: str) -> str:
        """Begin a registration, which takes simulated minutes; harmless when it runs or is done."""
        state = self.registration(subscription, name)
        if state not in ("Registered", "Registering"):
            state = "Registering"
            self._register(subscription, name, state, self.now + self.settings.registration_seconds)
        return state

    def _register(self, subscription: str, name: str, state: str, until: float | None) -> None:
        self.registrations[f"{subscription}|{name}".lower()] = Registration(subscription, name, state, until)

    def require_provider(self, subscription: str, namespace: str) -> None:
        """409 MissingSubscriptionRegistration unless the namespace is registered (E52)."""
        if self.registration(subscription, namespace) != "Registered":
            raise ArmError(
                409,
                "MissingSubscriptionRegistration",
                f"The subscription is not registered to use namespace '{namespace}'. Register the subscription first.",
            )

    # Verbs

    def submit(
        self, verb: str, unit_id: str, body: Mapping[str, Any], client_request_id: str = "", *, at_once: bool = False
    ) -> Operation | list[Any]:
        """One verb. A Validate that answers at once gives its messages, all else the accepted operation. Raises
        ArmError, Unanswered. `at_once`: Validate has no other way here, whatever the settings say."""
        self.tick()
        fault = self.faults.take("fail", "apply-then-fail", "late-apply", verb=verb, path=unit_id, method="POST")
        if fault and fault.kind == "fail":
            raise switches.refusal(fault)
        if fault and fault.kind == "late-apply":
            late = Late(self.now + float(fault.settings["delay"]), verb, unit_id, dict(body), client_request_id)
            self.late[uuid.uuid4().hex] = late
            raise Unanswered(fault.settings["answer"])
        result = self._apply(verb, unit_id, body, client_request_id, at_once=at_once)
        if fault:
            raise Unanswered(fault.settings["answer"])
        return result

    def _apply(
        self, verb: str, unit_id: str, body: Mapping[str, Any], client_request_id: str, *, at_once: bool = True
    ) -> Operation | list[Any]:
        unit = self.store.get(unit_id)
        if unit is None or kind_of(unit_id) not in MOVABLE:
            raise resource_not_found(unit_id)
        self._check_may_move(unit, verb, client_request_id)
        scope = scopes.resolve(self.store, unit)
        if verb in ("validate", "prepare"):
            self._check_whole(unit)
            lifecycle.check_parameters(self.store, scope, body)
        migration = self.migrations.get(scope.key)
        if verb == "validate":
            later = not at_once and self._dice(scope.key, "validate later").random() < self.settings.validate_later
            if later:
                return self._start("validate", scope, client_request_id)
            return [] if migration else self.messages(scope)
        if verb == "prepare":
            return self._prepare(scope, migration, body, client_request_id)
        if verb == "abort":
            return self._abort(scope, migration, client_request_id)
        return self._commit(scope, migration, client_request_id)

    def messages(self, scope: Scope) -> list[validation.Message]:
        found = validation.validate(self.store, scope)
        subscription = subscription_in(scope.unit["id"])
        if scope.web_slots and self.registration(subscription, CLOUD_SERVICES) != "Registered":
            text = "The migration requires at least one feature that not registered on the subscription. "
            found.insert(
                0, validation.error("Subscription", subscription, text + f"Missing feature(s): {CLOUD_SERVICES}.")
            )
        return found

    def _check_may_move(self, unit: Document, verb: str, client_request_id: str) -> None:
        if self.registration(subscription_in(unit["id"]), MIGRATE) != "Registered":
            raise bad_request("Subscription is not registered for migration.")
        self.check_management_lock(unit["id"], "ReadOnly", "write")
        running = self._running(unit)
        if running is not None:
            verbing = {"commit": "in the process of being committed", "abort": "in the process of being aborted"}
            state = verbing.get(running.verb, "undergoing an update operation")
            text = f"The resource {unit['name']} is {state} and cannot be changed until it completes."
            if verb != "validate":
                self.record("second submit", verb, unit["id"], f"{verb} while {running.verb} runs", client_request_id)
                raise Violation(409, "ConflictError", text)
            raise ArmError(409, "ConflictError", text)

    def _running(self, unit: Document) -> Operation | None:
        key = str(unit["id"]).lower()
        for migration in self.migrations.values():
            operation = self.operations.get(migration.operation_id)
            if operation and operation.live and (migration.unit.lower() == key or key in migration.locked):
                return operation
        return None

    def _check_whole(self, unit: Document) -> None:
        """A deployment inside a virtual network is not moved alone (E27)."""
        if kind_of(unit["id"]) != scopes.SLOT:
            return
        slot, service = unit, self.store.get(parent_key(unit["id"])) or {"name": "?"}
        home = self.store.get(network_of(slot)) if network_of(slot) else None
        if home is None and not scopes.is_web(slot):
            machines = scopes.resolve(self.store, slot).machines
            home = next((n for m in machines if network_of(m) and (n := self.store.get(network_of(m)))), None)
        if home is not None:
            name = properties(slot).get("deploymentName") or slot["name"]
            raise bad_request(
                f"Deployment {name} in HostedService {service['name']} belongs to Virtual Network {home['name']}. "
                f"Migrate Virtual Network {home['name']} to migrate this HostedService {service['name']}."
            )

    def _prepare(
        self, scope: Scope, migration: Migration | None, body: Mapping[str, Any], client_request_id: str
    ) -> Operation:
        if migration is not None and migration.commit_attempted:
            self._after_commit(scope, "prepare", client_request_id)
        if migration is not None and migration.phase == "prepared":
            return self._start("prepare", scope, client_request_id, repeats=True)
        if migration is None:
            self._check_unlocked(scope)
            problems = [m for m in self.messages(scope) if m["category"] == "Error"]
            if problems:
                details = [
                    {"code": "ValidationFailed", "message": m["message"], "target": m["resourceName"]} for m in problems
                ]
                raise ArmError(400, "BadRequest", problems[0]["message"], details=details)
            migration = lifecycle.lock(self, scope, {str(k): str(v or "") for k, v in body.items()})
        return self._begin("prepare", "preparing", scope, migration, client_request_id)

    def _check_unlocked(self, scope: Scope) -> None:
        taken = {key for migration in self.migrations.values() for key in migration.locked}
        for document in (scope.unit, *scope.slots, *scope.machines):
            if str(document["id"]).lower() in taken:
                raise lifecycle.classic_locked(document)

    def _abort(self, scope: Scope, migration: Migration | None, client_request_id: str) -> Operation:
        if migration is None:
            return self._start("abort", scope, client_request_id, repeats=True)
        if migration.commit_attempted:
            self._after_commit(scope, "abort", client_request_id)
        return self._begin("abort", "aborting", scope, migration, client_request_id)

    def _commit(self, scope: Scope, migration: Migration | None, client_request_id: str) -> Operation:
        if migration is None or migration.phase not in ("prepared", "commit failed"):
            name = scope.unit["name"]
            self.record(
                "commit without prepare", "commit", scope.unit["id"], "commit of a unit not prepared", client_request_id
            )
            raise Violation(
                400, "BadRequest", f"The resource {name} has not been prepared for Migration. Prepare it first."
            )
        migration.commit_attempted = True
        return self._begin("commit", "committing", scope, migration, client_request_id)

    def _after_commit(self, scope: Scope, verb: str, client_request_id: str) -> None:
        self.record(
            f"{verb} after commit", verb, scope.unit["id"], f"{verb} after a commit was attempted", client_request_id
        )
        raise Violation(
            409,
            "ConflictError",
            f"Commit of {scope.unit['name']} was attempted; the migration can only go forward. Retry Commit.",
        )

    def _begin(self, verb: str, phase: str, scope: Scope, migration: Migration, client_request_id: str) -> Operation:
        operation = self._start(verb, scope, client_request_id)
        migration.phase, migration.operation_id, migration.since = phase, operation.operation_id, self.now
        self.migrations[scope.key] = migration
        lifecycle.mark(self, migration, phase.capitalize())
        return operation

    def _start(self, verb: str, scope: Scope, client_request_id: str, *, repeats: bool = False) -> Operation:
        unit_id = str(scope.unit["id"])
        seconds = 5.0 if repeats else self._duration(verb, scope)
        operation = Operation(
            operation_id=str(uuid.uuid4()),
            verb=verb,
            unit=unit_id,
            started_at=self.now,
            ends_at=self.now + seconds,
            client_request_id=client_request_id,
            repeats=repeats,
        )
        fault = self.faults.take(*lifecycle.PLANNED, verb=verb, path=unit_id, method="POST")
        if fault and fault.kind == "stuck":
            operation.ends_at = None
        elif fault:
            _, code, message = switches.wording(fault.settings)
            operation.plan = {**fault.settings, "kind": fault.kind, "code": code, "message": message}
        self.operations[operation.operation_id] = operation
        return operation

    def _duration(self, verb: str, scope: Scope) -> float:
        """Simulated seconds; Prepare is the longest, and all grow with the instances (azure.md 2.1). Same seed,
        same length."""
        before = sum(1 for o in self.operations.values() if o.verb == verb and o.unit.lower() == scope.key)
        dice = self._dice(scope.key, verb, before)
        base, each = SECONDS[verb]
        return (base + each * instance_count(self.store, scope)) * dice.uniform(0.85, 1.25)

    def _dice(self, *what: object) -> random.Random:
        """Chance that repeats: same seed, same throws."""
        return random.Random(":".join(map(str, (self.seed, *what))))  # noqa: S311

    def operation(self, operation_id: str) -> Operation:
        self.tick()
        found = self.operations.get(operation_id.lower())
        if found is None:
            raise ArmError(404, "NotFound", f"The operation '{operation_id}' was not found.")
        return found

    def retry_after(self, operation: Operation) -> int:
        """Real seconds a client is asked to wait: a quarter of what is left, 1 to 15."""
        left = self._end(operation) - self.now
        return max(1, min(15, math.ceil(self.clock.real_seconds(max(0.0, left)) / 4)))

    def record(self, kind: str, verb: str, unit: str, text: str, client_request_id: str = "") -> None:
        """Remember something a careful client never does."""
        row = Breach(self.now, kind, verb, unit, text, client_request_id)
        self.breaches[f"{len(self.breaches):06d}"] = row

    # Writes and reads of documents

    def view(self, path: str = "") -> Store:
        """The documents a read sees: as they are, or as they were when a stale-reads switch matches."""
        self.tick()
        seconds = self.faults.stale_seconds(path)
        return self.store.before(self.moment - timedelta(seconds=seconds)) if seconds else self.store

    def check_write(self, resource_id: str) -> None:
        """Refuse a write to what a migration or a management lock holds (azure.md 2.9)."""
        self.tick()
        key = resource_id.lower()
        for migration in self.migrations.values():
            if any(key == locked or key.startswith(locked + "/") for locked in migration.locked):
                raise lifecycle.classic_locked(
                    self.store.get(key) or {"id": resource_id, "name": key.rpartition("/")[2]}
                )
            if any(key == locked or key.startswith(locked + "/") for locked in migration.arm):
                raise ArmError(
                    409,
                    "OperationNotAllowed",
                    f"Operation is not allowed on {resource_id.rpartition('/')[2]} because a migration is in progress. "
                    "Commit the migration or abort it.",
                )

    def check_management_lock(self, resource_id: str, level: str, verb: str) -> None:
        """Refuse when a management lock of this level stands on the resource or above it [K]."""
        scope = resource_id.lower()
        for lock in self.store.of_type(subscription_in(scope), "Microsoft.Authorization/locks"):
            above = parent_key(lock["id"])
            if properties(lock).get("level") == level and (scope == above or scope.startswith(above + "/")):
                raise ArmError(
                    409,
                    "ScopeLocked",
                    f"The scope '{resource_id}' cannot perform {verb} operation because following scope(s) are locked: "
                    f"'{above}'. Please remove the lock and try again.",
                )

    def put(self, document: Document) -> None:
        self.store.put(document, self.moment)

    def remove(self, resource_id: str) -> None:
        """Remove a document with everything below it."""
        for document in reversed(self.store.tree(resource_id)):
            self.store.remove(document["id"], self.moment)

    def groups(self, subscription: str, store: Store | None = None) -> list[Document]:
        return (store or self.store).of_type(subscription, GROUP_TYPE)
