"""Every type of event there is. An event is stored as data; its sentence is made here, when somebody looks.

A row of the table: type, label, sentence, schema of `detail`. The schema lists keys: `role` is a text that must be
there, `cause?` one that may be, `roles:list` a list (also number, map); with `*` the type takes further keys. `name?`,
what people call the object, may always be there. In a sentence, `{key}` is taken from detail or, if not there, from the
private values; `{key|word}` has a word for when it is not known; `{actor}` and `{object}` are people's words for both;
`[…]` is left out when something inside it is not known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class UnknownEventType(ValueError):
    """The type is not in the registry; the message says so and names near ones."""


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    LIST = "list"
    MAP = "map"


_PYTHON = {Kind.TEXT: str, Kind.NUMBER: int, Kind.LIST: list, Kind.MAP: dict}


@dataclass(frozen=True)
class EventType:
    name: str
    label: str
    template: str
    required: Mapping[str, Kind]
    optional: Mapping[str, Kind]
    open: bool

    def problems(self, detail: Mapping[str, Any]) -> list[str]:
        """What is wrong with a detail, one clause each."""
        found = [f"detail.{key} is missing" for key in self.required if key not in detail]
        for key, value in detail.items():
            kind = self.required.get(key) or self.optional.get(key)
            if kind is None:
                if not self.open:
                    known = ", ".join([*self.required, *self.optional]) or "none"
                    found.append(f"detail.{key} is not in its schema (keys: {known})")
            elif not isinstance(value, _PYTHON[kind]):
                found.append(f"detail.{key} is a {type(value).__name__}, not a {kind.value}")
        return found


# Private fields shown to auditors and administrators only; the others (a reason, a comment, a name) go to all readers.
RESTRICTED_FIELDS = frozenset({"address", "email", "username"})


def shown(name: str) -> EventType:
    """For display: a type that a former version wrote and this one no longer knows is shown by its name."""
    return TYPES.get(name) or EventType(name, name, "{actor}: " + name + " of {object}.", {}, {}, True)


# fmt: off
_TABLE = (
    # People
    ("account.signed_in", "Signed in", "{actor} signed in[ from {address}].", "method?"),
    ("account.sign_in_failed", "Sign-in failed",
     "A sign-in[ as {username}] failed[ from {address}][: {cause}].", "cause"),
    ("account.signed_out", "Signed out", "{actor} signed out.", ""),
    ("account.created", "Account created",
     "{actor} created the account of {display_name|a person}[ with the roles {roles}].", "roles:list"),
    ("account.renamed", "Account renamed", "{actor} renamed an account[ to {display_name}].", ""),
    ("account.deactivated", "Account deactivated", "{actor} deactivated the account of {object}[: {reason}].", ""),
    ("account.role_granted", "Role granted", "{actor} gave {object} the role {role}.", "role"),
    ("account.role_revoked", "Role revoked", "{actor} took the role {role} from {object}.", "role"),
    ("account.token_issued", "API token issued",
     "{actor} issued the API token {token_name|token} to {object}.", "token expires?"),
    ("account.token_revoked", "API token revoked", "{actor} revoked the API token {token} of {object}.", "token"),
    ("access.denied", "Access denied",
     "{actor} was refused: they may not {wanted}[ ({object})].", "permission wanted path? method?"),
    ("evidence.viewed", "Evidence viewed", "{actor} looked at {what|evidence} of {object}.", "*"),
    # Inventory
    ("inventory.sync_wanted", "Sync asked for", "{actor} asked for a sync of {object}.", "*"),
    ("inventory.sync_started", "Sync started", "{actor} started a sync of {object}.", "*"),
    ("inventory.sync_finished", "Sync finished",
     "The sync of {object} finished[: {added} added][, {changed} changed][, {gone} gone].",
     "added?:number changed?:number gone?:number *"),
    ("inventory.sync_failed", "Sync failed", "The sync of {object} failed[: {cause}][ ({message})].", "*"),
    ("inventory.synced", "Inventory changed",
     "A sync of {object} changed the inventory[: {added} added][, {changed} changed][, {gone} gone].",
     "added?:number changed?:number gone?:number *"),
    ("inventory.resource_added", "Resource found", "The sync found {object}.", "*"),
    ("inventory.resource_changed", "Resource changed", "{object} changed in Azure.", "*"),
    ("inventory.resource_gone", "Resource gone", "{object} is no longer in Azure.", "*"),
    ("inventory.unit_drawn", "Unit drawn", "The unit {object} was drawn[ with {members} members].", "*"),
    ("inventory.unit_redrawn", "Unit redrawn",
     "The members of the unit {object} changed[: {added} joined][, {removed} left].", "*"),
    ("inventory.unit_gone", "Unit gone", "The unit {object} is no longer in Azure.", "*"),
    ("inventory.unit_moved", "Unit moved", "The unit {object} moved[ from {from}][ to {to}].", "*"),
    ("inventory.unit_excluded", "Unit excluded", "{actor} excluded the unit {object}[: {reason}].", "*"),
    ("inventory.unit_included", "Unit included again", "{actor} took the unit {object} back in[: {reason}].", "*"),
    ("inventory.unit_owner_assigned", "Owner assigned",
     "{actor} assigned an owner to the unit {object}[: {owner}].", "*"),
    ("inventory.imported", "Estate imported", "{actor} imported {object}[: {added} added][, {changed} changed].", "*"),
    ("inventory.import_previewed", "Import previewed",
     "{actor} gave {object} for import[: {rows} rows]; nothing was imported by that.", "*"),
    ("inventory.import_discarded", "Import discarded",
     "{actor} threw the preview of {object} away; nothing was imported.", "*"),
    ("inventory.import_refused", "Import refused", "The import of {object} was refused[: {cause}].", "*"),
    ("subscription.added", "Subscription added", "{actor} added the subscription {object}.", "*"),
    ("subscription.changed", "Subscription changed", "{actor} changed the subscription {object}.", "*"),
    ("subscription.registration_requested", "Registration requested",
     "{actor} asked for the registration of {provider|the migration provider} in {object}.", "*"),
    # Connections to Azure
    ("connection.checked", "Connection checked", "The connection {door} is {state}[: {said}].", "door state said?"),
    ("connection.versions_read", "Versions read",
     "The versions Azure offers {object} were read[: {changed} of {kinds} changed].", "changed:number kinds:number"),
    # Readiness
    ("readiness.assessed", "Readiness assessed",
     "{object} was assessed[: {units} units][: {verdict}][, score {score}].", "*"),
    ("readiness.answer_settled", "Answer settled",
     "What {verb} answered of {name} counts no more: {why}.", "name verb why"),
    ("readiness.platform_answered", "Platform validated",
     "The platform answered Validate for {object}[: {outcome}].", "*"),
    ("readiness.attested", "Attested", "{actor} attested {rule|a rule} for {object}[: {answer}].",
     "rule answer reach subject until replaced"),
    ("readiness.attestation_ended", "Attestation ended",
     "The answer to {rule|a rule} for {object} counts no more[: {end}].", "rule reach subject end"),
    ("readiness.file_given", "Configuration file given",
     "{actor} gave the {kind} {file} for a deployment of {object}.",
     "file kind deployment digest replaced:number contradicts:list idle"),
    ("readiness.file_withdrawn", "Configuration file withdrawn",
     "{actor} withdrew the file {file} of {object}; what it settled is open again.", "file deployment digest"),
    ("readiness.file_rewritten", "Configuration file rewritten",
     "{actor} took away {file} of {object} rewritten[: {changes} changes].",
     "file deployment given digest changes:number"),
    ("readiness.waiver_asked", "Waiver asked for", "{actor} asked to waive {object} ({unit})[: {cause}].",
     "rule resource unit key until"),
    ("readiness.waived", "Finding waived", "{actor} agreed to waive {object} ({unit})[ until {until}][: {cause}].",
     "rule resource unit key until shown"),
    ("readiness.waiver_declined", "Waiver declined", "{actor} declined to waive {object} ({unit})[: {cause}].",
     "rule resource unit key"),
    ("readiness.waiver_withdrawn", "Waiver withdrawn",
     "The question to waive {object} ({unit}) was taken back[: {cause}].", "rule resource unit key"),
    ("readiness.waiver_ended", "Waiver ended", "The waiver of {object} ({unit}) ended[: {end}][. {cause}].",
     "rule resource unit key end"),
    ("readiness.recheck_asked", "Re-check asked for", "{actor} asked to look at {object} again.", ""),
    ("readiness.rechecked", "Re-checked",
     "{object} was looked at again[: {changed} of {units} units changed].",
     "units:number changed:number before after error"),
    ("readiness.catalogue_began", "Catalogue in force",
     "The catalogue of rules {object} is in force: it is the first this product was started with.",
     "version rules:number"),
    ("readiness.catalogue_came", "Catalogue waits",
     "The product came with another catalogue of rules, {object}, which waits to be switched on"
     "[: {new} rules new][, {changed} changed][, {removed} removed].",
     "version rules:number new:number changed:number removed:number in_force"),
    ("readiness.catalogue_preview_asked", "Catalogue preview asked for",
     "{actor} asked what switching on the catalogue of rules {object} would change.", "version units:number"),
    ("readiness.catalogue_previewed", "Catalogue previewed",
     "What the catalogue of rules {object} would change was looked at: {changed} of {units} units"
     "[, {verdicts} verdicts].",
     "version units:number changed:number verdicts:number"),
    ("readiness.catalogue_switched_on", "Catalogue switched on",
     "{actor} switched on the catalogue of rules {object}[: {reason}].",
     "version before new:number changed:number removed:number units:number verdicts:number locked:number"),
    ("readiness.catalogue_followed", "Catalogue applied",
     "Every unit was assessed with the catalogue of rules {object}: {changed} of {units} were stored anew.",
     "version units:number changed:number"),
    # Fixes
    ("fix.rehearsal_wanted", "Rehearsal asked for", "{actor} asked to rehearse the fix “{object}”[ ({unit})].", "*"),
    ("fix.rehearsed", "Fix rehearsed",
     "The fix “{object}”[ ({unit})] was rehearsed[: {outcome}]; nothing was sent.", "*"),
    ("fix.asked", "Fix asked for", "{actor} asked for the fix “{object}”[ ({unit})][: {cause}].", "*"),
    ("fix.approved", "Fix approved", "{actor} approved the fix “{object}”[ ({unit})][: {cause}].", "*"),
    ("fix.declined", "Fix declined", "{actor} declined the fix “{object}”[ ({unit})][: {cause}].", "*"),
    ("fix.withdrawn", "Fix withdrawn", "{actor} took back the fix “{object}”[ ({unit})][: {cause}].", "*"),
    ("fix.outdated", "Fix outdated", "The fix “{object}”[ ({unit})] is no longer what was asked for[: {cause}].", "*"),
    ("fix.sent", "Fix sent", "The engine sends request {step} of {of} of the fix “{object}”[ ({unit})].",
     "step of request *"),
    ("fix.answered", "Fix answered", "Azure answered the fix “{object}”[ ({unit})][: {outcome}].", "outcome *"),
    ("fix.done", "Fix done", "The fix “{object}”[ ({unit})] was seen to be done.", "*"),
    ("fix.failed", "Fix failed", "The fix “{object}”[ ({unit})] failed[: {cause}].", "*"),
    # Quota
    ("quota.usages_read", "Quota read",
     "The quota of {object}[ in {region}] was read[: {changed} of {rows} limits changed].", "*"),
    ("quota.sizes_read", "Sizes read",
     "The {sizes} sizes of {region} in {name} were read from Azure.", "name region sizes:number"),
    ("quota.reserved", "Quota reserved", "Quota was reserved for {object}[ in {region}].", "*"),
    ("quota.released", "Quota released", "The quota reserved for {object} was released.", "*"),
    ("quota.refused", "Quota short", "{object} was refused for want of quota[ in {region}].", "*"),
    ("quota.requested", "Quota requested", "{actor} requested quota[ for {family}][ in {region}][: {wanted}].", "*"),
    ("quota.ticket_opened", "Quota asked by ticket",
     "{actor} opened support ticket {ticket} for {limit} {name} in {region}.", "name region limit:number ticket"),
    ("quota.ticket_given_up", "Ticket given up",
     "{actor} gave up support ticket {ticket} for {name} in {region}.", "name region ticket"),
    ("quota.request_followed", "Quota request followed", "The quota request {object} is {state|being followed}.", "*"),
    # Waves
    ("wave.created", "Wave created", "{actor} created the wave {object}.", "*"),
    ("wave.changed", "Wave changed", "{actor} changed the wave {object}[: {fields}].", "*"),
    ("wave.unit_placed", "Unit placed", "{actor} placed {unit|a unit} in the wave {object}.", "*"),
    ("wave.unit_removed", "Unit removed", "{actor} removed {unit|a unit} from the wave {object}.", "*"),
    ("wave.network_chosen", "Network chosen", "{actor} chose {network} for {unit} in the wave {object}.",
     "name unit key network"),
    ("wave.network_read", "Network read", "The network chosen for {unit} was read: {finding}.",
     "name unit key network finding"),
    ("wave.order_set_aside", "Order set aside", "{actor} let {unit} go out of turn in the wave {object}.",
     "name unit key"),
    ("wave.submitted", "Wave submitted", "{actor} submitted the wave {object} for approval.", "*"),
    ("wave.window_set", "Window set", "{actor} set the window of the wave {object}[: {opens} to {closes}].", "*"),
    ("wave.window_removed", "Window removed", "{actor} removed a window of the wave {object}.", "*"),
    ("wave.stopped", "Line stopped", "{actor} stopped the line of the wave {object}[: {reason}].", "*"),
    ("wave.resumed", "Line resumed", "{actor} resumed the line of the wave {object}[: {reason}].", "*"),
    ("wave.closed", "Wave closed", "{actor} closed the wave {object}.", "*"),
    ("approval.requested", "Approval requested", "{actor} asked for the approval of {object}.", "*"),
    ("approval.approved", "Approved", "{actor} approved {object}[: {reason}].", "*"),
    ("approval.rejected", "Rejected", "{actor} rejected {object}[: {reason}].", "*"),
    ("approval.revoked", "Approval revoked", "{actor} revoked the approval of {object}[: {reason}].", "*"),
    ("approval.voided", "Approval void", "The approval of {object} became void[: {cause}].", "*"),
    ("lock.opened", "Locked", "The management plane of {object} is locked[ for wave {wave}][, asked for by {asked}].",
     "name wave run asked"),
    ("lock.closed", "Unlocked", "The management plane of {object} is unlocked after {minutes} minutes: {end}.",
     "name end minutes:number"),
    ("lock.told", "Lock alarm", "{object} has been locked for {share} % of its limit of {limit} hours.",
     "name share:number limit:number run"),
    ("validation.asked", "Validate of many asked", "{actor} asked for Validate of {units} units of {object}.",
     "name scope units:number fresh:number"),
    ("validation.stopped", "Validate of many stopped",
     "{actor} stopped Validate of {object}; {units} units were not sent any more.", "name units:number"),
    ("validation.unit_ended", "Unit validated", "Validate of {unit} ended: {outcome}[ ({cause})].",
     "name unit key outcome request? correlation?"),
    ("validation.ended", "Validate of many ended", "Validate of {units} units of {object} is over.",
     "name units:number outcomes:map"),
    ("freeze.engaged", "Freeze engaged", "{actor} froze {scope|everything}[: {reason}].", "*"),
    ("freeze.lift_requested", "Lifting a freeze requested",
     "{actor} asked to lift the freeze of {scope|everything}.", "*"),
    ("freeze.lifted", "Freeze lifted", "{actor} lifted the freeze of {scope|everything}[: {reason}].", "*"),
    ("freeze.planned", "Freeze planned",
     "{actor} planned a freeze of {scope|everything}[ from {begins}][ to {ends}][: {reason}].", "*"),
    ("freeze.plan_end_requested", "End of a planned freeze requested",
     "{actor} asked to end the planned freeze of {scope|everything}[: {reason}].", "*"),
    ("freeze.plan_withdrawn", "Planned freeze withdrawn",
     "{actor} withdrew the planned freeze of {scope|everything}[ from {begins}][ to {ends}][: {reason}].", "*"),
    # Runs
    ("run.started", "Run started", "{actor} started the run of {unit|a unit}[ as a {purpose}].", "*"),
    ("run.asked", "Asked", "{actor} asked the run of {unit|a unit} to {verb|go on}[: {reason}].", "*"),
    ("run.overrun_allowed", "Overrun allowed",
     "{actor} let {verb|a verb} of {unit|a unit} start though it may end after its window[: {reason}].", "*"),
    ("run.moved", "Run moved", "The run of {unit|a unit} moved[ from {from}][ to {to}].", "*"),
    ("run.attention_raised", "Attention raised", "The run of {unit|a unit} needs a person[: {cause}].", "*"),
    ("run.attention_cleared", "Attention cleared", "{actor} cleared the attention of the run of {unit|a unit}.", "*"),
    ("run.ended", "Run ended", "The run of {unit|a unit} ended[: {state}].", "*"),
    ("drift.seen", "Seen otherwise in Azure", "{object} is not in Azure what is held of it: {kind}[. {cause}].",
     "kind *"),
    ("drift.ended", "As expected again", "What was seen of {object} ({kind}) is over[: {how}].", "kind how *"),
    ("drift.noted", "Difference noted", "{actor} noted that {object} is {kind} in Azure[: {reason}].", "kind *"),
    ("drift.adopted", "Taken over", "{actor} took over what Azure shows of {object}: {kind}, to be read as"
     " {verb}[: {reason}].", "kind verb *"),
    ("invariant.violated", "Something impossible", "Something is so that can never be, about {object}: {cause}.",
     "assertion subject cause"),
    ("epoch.changed", "Database changed",
     "The database changed: {cause}. Everything was stopped and every agreement is void[; {lost} events are lost].",
     "cause lost:number *"),
    ("epoch.read_back", "Read back",
     "After the database changed, {units} units were read back; {differed} were not as held.",
     "units:number differed:number"),
    ("epoch.released", "Released", "Two people released what a change of the database had stopped.", ""),
    ("operation.created", "Operation created", "{verb|An operation} was created for {unit|a unit}.", "*"),
    ("operation.looked", "Platform read", "The engine read {unit|a unit}[ and saw {seen}].", "*"),
    ("operation.armed", "Operation armed",
     "{verb|An operation} of {unit|a unit} was armed[ as attempt {attempt}].", "*"),
    ("operation.not_sent", "Not sent", "{verb|An operation} of {unit|a unit} was not sent[: {cause}].", "*"),
    ("operation.answered", "Platform answered",
     "The platform answered {verb|an operation} of {unit|a unit}[ with {status}].", "*"),
    ("operation.decided", "Operation decided",
     "{verb|An operation} of {unit|a unit} is {state|decided}[: {cause}].", "*"),
    ("operation.held", "Operation held", "{verb|An operation} of {unit|a unit} is held[: {cause}].", "*"),
    ("operation.cancelled", "Operation cancelled",
     "{actor} cancelled {verb|an operation} of {unit|a unit}[: {reason}].", "*"),
    # After the move
    ("settings.captured", "Settings captured",
     "The settings of {object} that the platform drops were captured[: {count}].", "*"),
    ("settings.gap_accepted", "Gap accepted",
     "{actor} lets {name} be prepared without {missing} parts that could not be read[: {reason}].",
     "name run missing:number parts:list"),
    ("comparison.stored", "Comparison stored",
     "{unit|A unit} was compared[: {unexpected} unexpected differences].", "*"),
    ("difference.disposed", "Difference settled",
     "{actor} settled a difference of {unit|a unit}[ in {field}][: {disposition}].", "*"),
    ("followup.opened", "Follow-up opened", "A follow-up was opened[ for {unit}]: {object}.", "*"),
    ("followup.answered", "Follow-up answered", "{actor} answered the follow-up {object}[: {reason}].", "*"),
    ("followup.applied", "Follow-up applied", "{actor} applied the follow-up {object}.", "*"),
    ("followup.taken_along", "Taken along",
     "{actor} took {file} along, to apply the follow-up {object} by hand.", "file digest *"),
    ("followup.wave_taken_along", "Taken along",
     "{actor} took the requests of {count} follow-ups of {object} along, to apply them by hand.",
     "count:number files:number digest *"),
    ("followup.assigned", "Follow-up assigned", "{actor} said who sees to the follow-up {object}[, by {due}].", "*"),
    ("followup.wont_do_asked", "Won't do asked", "{actor} asks that {object} not be done[: {reason}].", "*"),
    ("followup.wont_do_declined", "Won't do declined", "{actor} declined to leave {object} undone[: {reason}].", "*"),
    ("followup.reminded", "Reminder", "The follow-up {object} is due[ on {due}].", "*"),
    ("followup.sent", "Follow-up sent", "The engine sends stage {stage} of {of} of the follow-up {object}.",
     "stage:number of:number *"),
    ("followup.probed", "Follow-up probed", "The follow-up {object} was probed[: {outcome}].", "*"),
    ("followup.closed", "Follow-up closed", "The follow-up {object} was closed[: {cause}].", "*"),
    ("followup.failed", "Follow-up failed", "The follow-up {object} failed[: {cause}].", "*"),
    ("followup.reopened", "Follow-up reopened", "The follow-up {object} was opened again[: {cause}].", "*"),
    # The history itself
    ("export.started", "Export started",
     "{actor} started an export of the history as {format}.", "format filters:map *"),
    ("export.finished", "Export finished",
     "The export was finished: {count} events of {size}.", "count:number size:number root *"),
    ("export.aborted", "Export aborted", "The export was broken off[ after {count} events].", "count?:number cause?"),
    ("audit.checkpoint_signed", "Checkpoint signed",
     "A checkpoint up to line {size} was signed[ ({cause})].", "size:number root cause"),
    ("audit.verified", "History verified",
     "{actor} checked the whole history: {count} events, {checkpoints} checkpoints[; {cause}].",
     "count:number checkpoints:number root cause?"),
    ("audit.damage_found", "History damaged", "The history is damaged: {cause}.", "cause"),
    ("audit.private_erased", "Private values erased",
     "{actor} erased {count} private values[: {reason}].", "count:number"),
    ("command.run", "Command run", "{actor} was run[: {command}].", "*"),
)
# fmt: on


def _read(name: str, label: str, template: str, schema: str) -> EventType:
    required: dict[str, Kind] = {}
    optional = {"name": Kind.TEXT}
    for word in schema.replace("*", "").split():
        key, _, kind = word.partition(":")
        (optional if key.endswith("?") else required)[key.rstrip("?")] = Kind(kind or "text")
    return EventType(name, label, template, required, optional, "*" in schema)


TYPES: dict[str, EventType] = {row[0]: _read(*row) for row in _TABLE}


def get(name: str) -> EventType:
    try:
        return TYPES[name]
    except KeyError:
        near = [known for known in TYPES if known.split(".")[0] == name.split(".")[0]]
        hint = f" That slice has: {', '.join(near)}." if near else ""
        raise UnknownEventType(f"There is no event type {name!r} in tracker/audit/registry.py.{hint}") from None


class Told(Protocol):
    """What a sentence needs of an event; `queries.Entry` and the model's parsed body both have it."""

    type: str
    actor: str
    object_kind: str
    object_id: str
    detail: Mapping[str, Any]


def sentence(event: Told, private: Mapping[str, str]) -> str:
    """What happened, in one sentence. `private`: what the reader may see, `actor_name` and `object_name` among it."""
    known: dict[str, object] = {**private, **event.detail}
    known["actor"] = private.get("actor_name") or actor_words(event.actor)
    known["object"] = event.detail.get("name") or private.get("object_name") or _tail(event.object_id)
    text = re.sub(r"\[([^\]]*)\]", lambda match: _filled(match[1], known, optional=True), shown(event.type).template)
    text = _filled(text, known, optional=False)
    if text.startswith(("the ", f"{known.get('verb')} ")):
        text = text[0].upper() + text[1:]  # "the engine …", "commit of …"; names and ids stay as they are
    if text.endswith("..") and not text.endswith("..."):
        text = text[:-1]  # a person's own words ended with a stop
    match getattr(event, "result", "done"):
        case "denied" if event.type != "access.denied":
            return f"Denied: {text}"
        case "failed" if not event.type.endswith(("failed", "aborted", "damage_found")):
            return f"Failed: {text}"
    return text


def _filled(template: str, known: Mapping[str, object], *, optional: bool) -> str:
    """The template with its words put in; empty if it is optional and a word is not known."""
    missing = False

    def word(match: re.Match[str]) -> str:
        nonlocal missing
        value = known.get(match[1])
        if value is None or value == "":
            missing = missing or match[2] is None
            return match[2] or "?"
        return _word(value)

    text = re.sub(r"\{([a-z_]+)(?:\|([^}]*))?\}", word, template)
    return "" if optional and missing else text


def _word(value: object) -> str:
    match value:
        case int():
            return f"{value:,}"
        case list() | tuple():
            shown = [_word(item) for item in value[:3]]
            if (more := len(value) - 3) > 0:
                return f"{', '.join(shown)} and {more:,} more"
            return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "none"
        case dict():
            return ", ".join(f"{key} {_word(inner)}" for key, inner in value.items())
    return _tail(str(value)) if str(value).startswith("/subscriptions/") else str(value)


def _tail(identifier: str) -> str:
    """The last segment of an ARM id: what people call the thing."""
    return identifier.rstrip("/").rsplit("/", 1)[-1] or identifier


def actor_words(key: str) -> str:
    """What to call an actor without a known name: the engine, the command demo, a pseudonym."""
    kind, _, ref = key.partition(":")
    match kind:
        case "system":
            return f"the {ref}"
        case "command":
            return f"the command {ref}"
    return "Somebody" if ref == "anonymous" else ref
