"""What the API publishes of each thing, field by field (architecture.md 7). The words are those of the pages."""

import json
from typing import Any, get_args

from migrator.lifecycle import Health, OperationState, State
from migrator.lifecycle.outside import Drift
from migrator.readiness import Automatable, Detection, Effect, Outcome, Scope, Verdict
from migrator.resources import Verb
from migrator.units import UnitKind
from tracker.api.shapes import (
    Shape,
    anything,
    f,
    integer,
    list_of,
    mapping,
    moment,
    one_of,
    shaped,
    text,
    uuid,
    yes_no,
)
from tracker.followups.models import FollowUp
from tracker.inventory.models import Sync
from tracker.inventory.queries import UnitRow
from tracker.quota.models import QuotaRequest
from tracker.runs.models import AskVerb, Purpose
from tracker.runs.wave_gates import Colour, WaveState
from tracker.waves.models import Approval, Wave
from tracker.waves.queries import ApprovalState

RUN_OUTCOMES = ("closed", "aborted", "rehearsed", "cancelled")
DIFFERENCE_KINDS = ("same", "renamed", "dropped", "unexpected", "unread")

PERSON = Shape.made(
    "Person",
    "Somebody, by the pseudonym the history uses.",
    f("id", text(), "The pseudonym.", "pseudonym"),
    f("name", text(), "What people call them.", str),
)
WAVE_NAME = Shape.made(
    "WaveName", "A wave by id and name.", f("id", integer(), "Its id.", "pk"), f("name", text(), "Its name.")
)
UNIT_NAME = Shape.made(
    "UnitName",
    "A unit by id, key and name.",
    f("id", integer(), "Its id here.", "pk"),
    f("key", text(), "Its ARM id, lower case."),
    f("name", text(), "Its name."),
)

# --- inventory --------------------------------------------------------------------------------------------------------
SUBSCRIPTION = Shape.made(
    "Subscription",
    "One Azure subscription.",
    f("id", text(), "Azure's id, lower case.", "pk"),
    f("name", text(), "Its name."),
    f("state", text(null=True), "Azure's word for its state."),
    f("tenant", text(null=True), "The id of its tenant."),
    f("registrations", mapping(), "Provider or feature → state; null where it could not be read."),
    f("synced_at", moment(null=True), "End of the last complete sync."),
    f("sync_wanted_at", moment(null=True), "Since when somebody waits for a sync that has not begun."),
)
SYNC = Shape.made(
    "Sync",
    "One reading of one subscription.",
    f("id", integer(), "Its id.", "pk"),
    f("started_at", moment(), "Its begin."),
    f("ended_at", moment(null=True), "Its end."),
    f("outcome", one_of(Sync.Outcome), "How it ended."),
    f("added", integer(), "Resources found."),
    f("changed", integer(), "Resources changed."),
    f("gone", integer(), "Resources no longer listed."),
    f("unchanged", integer(), "Resources read and found as they were."),
    f("unreadable", list_of(anything()), "What could not be read: resource, action, sentence."),
    f("error", text(null=True), "Why it failed, in one sentence."),
    f("started_by", text(), "Who asked: an actor of the history."),
)
SOURCE_WORDS = ("graph", "arm", "service-management", "file")
FACTS = Shape.made(
    "Facts",
    "Facts that one source told.",
    f("source", one_of(SOURCE_WORDS, null=True), "Resource Graph, Resource Manager, service management, or a file."),
    f("fields", list_of(text()), "Paths in the document; empty: everything no other entry names."),
    f("members", integer(), "How many resources it told something of."),
    f("seen_at", moment(), "When they were last seen; of several resources the oldest."),
    f("changed_at", moment(), "When they last changed."),
    f("old", yes_no(), "Not seen for longer than the site allows (TRACKER_OLD_AFTER_HOURS)."),
    f("file", text(null=True), "Name of the imported file."),
)
GAP = Shape.made(
    "Gap",
    "What nobody could say; what depends on it is unknown.",
    f("sentence", text(), "In words."),
    f("action", text(null=True), "The action the credential lacks, or what failed; null where Azure left it out."),
    f("resource", text(null=True), "Id of what it concerns."),
)
_TOLD = (
    f("facts", list_of(shaped(FACTS)), "Where what is known comes from, and how old it is.", "told.facts"),
    f("gaps", list_of(shaped(GAP)), "What is unknown, and why.", "told.gaps"),
)
RESOURCE = Shape.made(
    "Resource",
    "One classic thing as Azure lists it.",
    f("id", integer(), "Its id here.", "pk"),
    f("key", text(), "Its ARM id, lower case."),
    f("azure_id", text(), "The same id as the platform wrote it."),
    f("type", text(), "Its ARM type."),
    f("name", text(), "Its name."),
    f("subscription", text(), "Id of its subscription.", "subscription_id"),
    f("region", text(null=True), "Its region."),
    f("unit", integer(null=True), "Id of the unit it moves with.", "unit_id"),
    f("membership", text(null=True), "Why it belongs to that unit."),
    f("digest", text(), "SHA-256 of its canonical document."),
    f("first_seen_at", moment(), "When it was first read."),
    f("changed_at", moment(), "When a reading last differed."),
    f("sources", mapping(), "Path in the document → who told it; the empty path is everything else."),
    f("seen_at", moment(), "When it was last seen, by a reading or by the file it comes from.", "last_seen"),
    f("old", yes_no(), "Not seen for longer than the site allows (TRACKER_OLD_AFTER_HOURS)."),
    f("unseen_since", moment(null=True), "Its last reading, when later ones could not list it."),
    f("gone_at", moment(null=True), "When it was no longer listed."),
)
RESOURCE_IN_FULL = RESOURCE.with_more(
    "ResourceInFull",
    "One classic thing with its newest reading.",
    f("document", anything(), "As read, in Azure's own form; secrets removed."),
    *_TOLD,
)
UNIT = Shape.made(
    "Unit",
    "What the platform moves as one.",
    f("id", integer(), "Its id here.", "pk"),
    f("key", text(), "Its ARM id, lower case."),
    f("azure_id", text(), "The same id as the platform wrote it."),
    f("kind", one_of(UnitKind), "What it is."),
    f("name", text(), "Its name."),
    f("subscription", text(), "Id of its subscription.", "subscription_id"),
    f("region", text(null=True), "Its region."),
    f("owner", text(null=True), "A person or a team."),
    f("verdict", one_of(Verdict), "What the catalogue says."),
    f("score", integer(), "0 to 100; where points went stands in the assessment."),
    f("blockers", integer(), "Findings that block, outcome yes."),
    f("changes", integer(), "Findings that change or drop something, outcome yes."),
    f("unknowns", integer(), "Findings nobody can tell yet."),
    f("progress", one_of(State), "Where it stands."),
    f("health", one_of(Health), "How it does."),
    f("health_reason", text(null=True), "Why, in a sentence."),
    f("wave", shaped(WAVE_NAME, null=True), "The wave it is in.", lambda row: _placed(row)),
    f("member_count", integer(), "How many resources move with it."),
    f("members", list_of(text()), "Their keys.", "member_keys"),
    f("locked_since", moment(null=True), "Since when its management plane is locked."),
    f("assessed_at", moment(null=True), "Last evaluation."),
    f("first_seen_at", moment(), "When it was first drawn."),
    f("changed_at", moment(), "When a member last changed."),
    f("gone_at", moment(null=True), "When it was no longer listed on the classic side."),
)


def _placed(unit: Any) -> Any:
    """The wave of a unit, or of a row of the list."""
    if isinstance(unit, UnitRow):
        return Wave(pk=unit.wave_id, name=unit.wave_name) if unit.wave_id else None
    placement = getattr(unit, "placement", None)
    return placement.wave if placement else None


ASSESSMENT = Shape.made(
    "Assessment",
    "One evaluation.",
    f("at", moment(), "When."),
    f("catalogue_version", text(), "Which catalogue."),
    f("verdict", one_of(Verdict), "What it said."),
    f("score", integer(), "0 to 100."),
    f("deductions", list_of(anything()), "Where points went: points, rule, resource, reason."),
    f("digest", text(), "Over all findings."),
)
DESTINATION = Shape.made(
    "Destination",
    "The existing network the machines of a deployment go into.",
    f("resource_group", text(), "Its resource group.", "group"),
    f("network", text(), "Its name."),
    f("subnet", text(), "The subnet."),
    f("chosen_at", moment(), "When it was chosen."),
    f("read_at", moment(null=True), "When Azure was last asked for it; null: not yet."),
    f("problem", text(), "Why it does not fit, as of then; empty: it fits."),
)
COMMAND = Shape.made(
    "Command",
    "What a step is called in the older tools. The tracker sends it itself.",
    f("verb", one_of(Verb), "The step."),
    f("powershell", text(), "In PowerShell."),
    f("cli", text(), "In the classic command line; empty: it has none."),
)
UNIT_IN_FULL = UNIT.with_more(
    "UnitInFull",
    "A unit with its newest assessment.",
    f("assessment", shaped(ASSESSMENT, null=True), "The newest evaluation that changed something.", "newest"),
    f("destination", shaped(DESTINATION, null=True), "Chosen network; null: a new one, or none to choose.", "going"),
    f("waits_for", list_of(text()), "Units that have to be committed before it, by name.", "goes_after"),
    f("commands", list_of(shaped(COMMAND)), "The same steps in the older tools.", "commands"),
    *_TOLD,
)
SOURCE = Shape.made(
    "Source",
    "Where a statement was published.",
    f("document", text(), "The document.", lambda row: row["document"]),
    f("row", text(null=True), "Its row.", lambda row: row["row"]),
    f("year", integer(null=True), "Its year; null where the page bears none.", lambda row: row["year"]),
)
FINDING = Shape.made(
    "Finding",
    "The outcome of one rule for one resource.",
    *(
        f(name, kind, about, lambda row, name=name: row[name])
        for name, kind, about in (
            ("rule", text(), "Id of the rule."),
            ("effect", one_of(Effect), "What it means when it applies."),
            ("outcome", one_of(Outcome), "Whether it applies."),
            ("resource", text(), "Key of the resource."),
            ("sentence", text(null=True), "In words."),
            ("evidence", list_of(anything()), "Which fields said so: field, value."),
            ("settles", text(null=True), "What would settle an unknown."),
            ("remedy", text(null=True), "What to do."),
            ("sources", list_of(shaped(SOURCE)), "Where it was published."),
            ("source", one_of(("catalogue", "platform")), "Who said so."),
            ("waived", yes_no(), "Whether two people set it aside: then it counts in no verdict."),
        )
    ),
)
RULE = Shape.made(
    "Rule",
    "One documented statement about the migration.",
    *(
        f(name, kind, about, lambda row, name=name: row[name])
        for name, kind, about in (
            ("id", text(), "Its id."),
            ("title", text(), "Its title."),
            ("scope", one_of(Scope), "What it speaks about."),
            ("effect", one_of(Effect), "What it means when it applies."),
            ("detection", one_of(Detection), "What tells first."),
            ("also", list_of(one_of(Detection)), "What can tell besides."),
            ("statement", text(), "The statement."),
            ("remedy", text(null=True), "What to do."),
            ("follow_up", text(null=True), "What is owed after Commit."),
            ("automatable", one_of(Automatable), "Whether the remedy can be done through Azure's APIs."),
            ("sources", list_of(shaped(SOURCE)), "Where it was published."),
            ("superseded", list_of(anything()), "Older statements: document, year, then, now."),
            ("kinds", list_of(one_of(UnitKind)), "Kinds of unit it speaks about."),
            ("revision", integer(), "Goes up whenever the check decides differently."),
            ("units_yes", integer(), "Units in scope it applies to."),
            ("units_unknown", integer(), "Units in scope where nobody can tell yet."),
            ("frees", integer(), "Units that nothing else blocks."),
        )
    ),
)

# --- quota and follow-ups ---------------------------------------------------------------------------------------------
_LIMIT = (
    f("subscription", text(), "Id of the subscription.", "subscription_id"),
    f("region", text(), "The region."),
    f("provider", text(), "The provider."),
    f("name", text(), "The family, as Azure names it."),
)
USAGE = Shape.made(
    "Usage",
    "One row of a usages list as last read.",
    f("id", integer(), "Its id.", "pk"),
    *_LIMIT,
    f("current", integer(), "In use."),
    f("limit", integer(), "The limit."),
    f("read_at", moment(), "When it was read."),
)
QUOTA_REQUEST = Shape.made(
    "QuotaRequest",
    "A request to raise one limit.",
    f("id", integer(), "Its id.", "pk"),
    *_LIMIT,
    f("limit_before", integer(), "The limit then."),
    f("limit_wanted", integer(), "The new total."),
    f("state", one_of(QuotaRequest.State), "Where it stands."),
    f("azure_state", text(null=True), "The platform's own word."),
    f("azure_message", text(null=True), "The platform's own words."),
    f("reason", text(null=True), "Why it was asked."),
    f("requested_by", text(), "Who asked: an actor of the history."),
    f("requested_at", moment(), "When."),
    f("sent_at", moment(null=True), "When it was sent."),
    f("decided_at", moment(null=True), "When it was decided."),
    f("ticket", text(null=True), "Number of the support ticket that asks for it."),
)
QUOTA_ROW = Shape.made(
    "QuotaRow",
    "One subscription, region and family: have, in use, reserved, planned, short.",
    f("subscription", text(), "Id of the subscription.", "subscription.pk"),
    *_LIMIT[1:],
    f("limit", integer(null=True), "The limit; null when it was not read."),
    f("in_use", integer(null=True), "In use; null when it was not read."),
    f("read_at", moment(null=True), "When it was read."),
    f("reserved", integer(), "Spoken for by placed units."),
    f("planned", integer(), "Needed by units in no wave yet."),
    f("free", integer(null=True), "Limit less used and reserved; null when it cannot be told."),
    f("short", integer(null=True), "Missing for everything known; null when it cannot be told."),
    f("request", shaped(QUOTA_REQUEST, null=True), "The newest request for it."),
)
LEAD_TIME = Shape.made(
    "LeadTime",
    "How long requests for one limit of a region usually took, from those that were granted here.",
    f("region", text(), "The region."),
    f("name", text(), "The limit, as Azure lists it."),
    f("median_seconds", integer(), "Half of them took no longer.", lambda row: round(row.usual.median)),
    f("late_seconds", integer(), "Nine of ten took no longer.", lambda row: round(row.usual.late)),
    f("requests", integer(), "From how many requests.", "usual.requests"),
    f(
        "of",
        text(),
        "Which these were: of a limit with fewer than three, those of its region or of all speak.",
        "usual.of",
    ),
    f("sentence", text(), "The same in words.", "usual.sentence"),
)
FOLLOW_UP = Shape.made(
    "FollowUp",
    "Work owed after Commit.",
    f("id", integer(), "Its id.", "pk"),
    f("unit", shaped(UNIT_NAME), "The unit."),
    f("kind", text(), "What has to be rebuilt."),
    f("title", text(), "In words."),
    f("state", one_of(FollowUp.State), "Where it stands."),
    f("rules", list_of(text()), "Rules that say so."),
    f("sources", list_of(text()), "Where they were published."),
    f("was", list_of(text()), "What stood there before, a line each."),
    f("notes", list_of(text()), "What a person should know."),
    f("new_target", text(null=True), "Id of what it hangs on now."),
    f("owner", text(null=True), "Who sees to it."),
    f("opened_at", moment(), "When it was opened."),
    f("wanted_at", moment(null=True), "When somebody asked to apply it."),
    f("applied_at", moment(null=True), "When the platform accepted it."),
    f("probed_at", moment(null=True), "Last look."),
    f("probe_says", list_of(text()), "What the last look missed; empty: seen, or not looked yet."),
    f("closed_at", moment(null=True), "When it was closed."),
    f("closed_how", one_of(FollowUp.Closing, null=True), "How."),
    f("due_on", text(null=True), "The day by which it should be done, as YYYY-MM-DD.", "due_on"),
    f("attested_by", text(null=True), "Key of the person who says it is done, where no read can tell."),
    f("wont_do_asked_by", text(null=True), "Key of the person who asks that it not be done.", "wont_by"),
    f("wont_do_agreed_by", text(null=True), "Key of the second person, who agreed.", "agreed_by"),
    f("last_error", text(null=True), "The platform's refusal, in its words."),
    f("tries", integer(), "Attempts so far."),
)
ARM_REQUEST = Shape.made(
    "ArmRequest",
    "A Resource Manager call as data.",
    f("method", text(), "GET, PUT, POST, PATCH or DELETE."),
    f("path", text(), "Its path."),
    f("api_version", text(), "Its API version."),
    f("body", anything(), "Its body."),
)
QUESTION = Shape.made(
    "Question",
    "What a person has to say before requests can be written.",
    f("id", text(), "Its id."),
    f("text", text(), "The question."),
    f("choices", list_of(text()), "What it may be.", lambda row: [choice.value for choice in row.choices]),
    f("default", text(null=True), "What is taken when nobody answers."),
    f("free", yes_no(), "Whether a text of one's own is taken too."),
)
FOLLOW_UP_IN_FULL = FOLLOW_UP.with_more(
    "FollowUpInFull",
    "A follow-up with what will be sent.",
    f(
        "requests",
        list_of(shaped(ARM_REQUEST)),
        "In the order they are sent; empty while a question is open. A secret that was given is masked.",
        "shown_requests",
    ),
    f("questions", list_of(shaped(QUESTION)), "All questions of it.", "owed.questions"),
)

# --- waves and approvals ----------------------------------------------------------------------------------------------
WAVE = Shape.made(
    "Wave",
    "A dated group of units.",
    f("id", integer(), "Its id.", "pk"),
    f("name", text(), "Its name."),
    f("purpose", text(null=True), "What it is for."),
    f("owner", text(null=True), "Who leads it."),
    f("unit_count", integer(), "How many units are in it."),
    f("opens", moment(null=True), "Begin of its first window."),
    f("closes", moment(null=True), "End of its last window."),
    f("created_at", moment(), "When it was made."),
    f("edited_at", moment(), "When it was last edited."),
    f("stopped_at", moment(null=True), "Since when the line is stopped."),
    f("stop_reason", text(null=True), "Why."),
)
DECISION = Shape.made(
    "Decision",
    "One person's answer.",
    f("by", shaped(PERSON), "Who.", "approver"),
    f("approved", yes_no(), "Yes or no."),
    f("reason", text(null=True), "Why."),
    f("digest", text(), "Seal of the page they decided on."),
    f("decided_at", moment(), "When."),
    f("revoked_at", moment(null=True), "When they took it back."),
)
APPROVAL = Shape.made(
    "Approval",
    "A question to other people, bound by its seal to everything they were shown.",
    f("id", integer(), "Its id.", "pk"),
    f("kind", one_of(Approval.Kind), "Of a wave, or of one commit."),
    f("wave", shaped(WAVE_NAME), "The wave."),
    f("unit", shaped(UNIT_NAME, null=True), "The unit; commits only."),
    f("run", uuid(null=True), "The run; commits only.", "run_id"),
    f("state", one_of(ApprovalState), "Derived from the decisions and the clock."),
    f("digest", text(), "The seal."),
    f("requester", shaped(PERSON), "Who asked."),
    f("editor", shaped(PERSON), "Who edited last before asking."),
    f("needed", integer(), "Decisions of other people it takes."),
    f("given", integer(), "Approvals given and not revoked."),
    f("requested_at", moment(), "When it was asked."),
    f("expires_at", moment(), "When it ends by itself."),
    f("voided_at", moment(null=True), "When it became void."),
    f("void_reason", text(null=True), "Why."),
    f("decisions", list_of(shaped(DECISION)), "Who answered what.", lambda row: row.decisions.all()),
)
APPROVAL_IN_FULL = APPROVAL.with_more(
    "ApprovalInFull",
    "An approval with what its approvers were shown. Reading it is told in the history.",
    f("body", anything(), "What was shown.", lambda row: json.loads(row.body)),
    f("body_text", text(), "The same byte for byte: the seal is sha256 of `approval/1`, a newline and this.", "body"),
)
WINDOW = Shape.made(
    "Window",
    "When Prepare and Commit of a wave may start.",
    f("opens_at", moment(), "Its begin."),
    f("closes_at", moment(), "Its end."),
    f("zone", text(), "The time zone it was said in."),
    f("opens_said", text(null=True), "Its begin as it was said, with the offset from UTC."),
    f("closes_said", text(null=True), "Its end as it was said."),
    f("rule", text(null=True), "The weekly rule it came from, in words."),
    f("note", text(null=True), "What the change of the clocks does to it."),
)
PLACED_UNIT = Shape.made(
    "PlacedUnit",
    "A unit in a wave.",
    f("unit", shaped(UNIT_NAME), "The unit."),
    f("verdict", one_of(Verdict), "What the catalogue says.", "unit.verdict"),
    f("score", integer(), "0 to 100.", "unit.score"),
    f("progress", one_of(State), "Where it stands.", "unit.progress"),
    f("health", one_of(Health), "How it does.", "unit.health"),
    f("locked_since", moment(null=True), "Since when it is locked.", "unit.locked_since"),
    f("run", uuid(null=True), "Its newest run in this wave.", "run_id"),
    f("placed_at", moment(), "When it was placed."),
)
QUOTA_LINE = Shape.made(
    "QuotaLine",
    "One limit this wave has reserved of.",
    f("subscription", text(), "Id of the subscription.", "subscription_id"),
    f("region", text(), "The region."),
    f("provider", text(), "The provider."),
    f("name", text(), "The family."),
    f("amount", integer(), "Reserved by this wave."),
    f("reserved", integer(), "Reserved by all waves."),
    f("limit", integer(null=True), "The limit; null when it was not read."),
    f("current", integer(null=True), "In use; null when it was not read."),
    f("short", integer(null=True), "Missing; null when it cannot be told."),
)
GATE = Shape.made(
    "Gate",
    "What has to be open before the wave goes on.",
    f("name", text(), "Its name."),
    f("title", text(), "Its name as the page shows it."),
    f("state", one_of(get_args(Colour)), "green: open; amber: waits; red: stopped; later: not its turn yet."),
    f("open", yes_no(), "Whether it is green.", lambda row: row.state == "green"),
    f("sentence", text(), "In words, times in UTC."),
)
PLANNED_FREEZE = Shape.made(
    "PlannedFreeze",
    "A dated time in which no Prepare and no Commit of something in this wave starts.",
    f("scope", text(), "all, subscription:…, region:…, wave:… or verb:…"),
    f("begins_at", moment(), "Its begin."),
    f("ends_at", moment(), "Its end."),
    f("zone", text(), "The time zone it was said in."),
    f("reason", text(), "Why."),
)
EXPECTED = Shape.made(
    "Expected",
    "The verb a unit has next or under way, from what it took for others.",
    f("unit", integer(), "Id of the unit."),
    f("name", text(), "Its name."),
    f("verb", text(), "prepare or commit."),
    f("under_way", yes_no(), "Whether it was sent already."),
    f("ends_at", moment(null=True), "When it would end; null: nothing was measured, nobody can say."),
    f("fits", yes_no(), "Before the window closes and a planned freeze begins, with a margin."),
    f("allowed", yes_no(), "Whether a person lets it start though it may not fit."),
    f("basis", text(null=True), "What the estimate rests on."),
)
FORECAST = Shape.made(
    "Forecast",
    "Will it fit? As if everything that waits for Prepare or Commit began at once, or when the window opens.",
    f("sentence", text(), "In words."),
    f("ends_at", moment(null=True), "When the last that fits would end its verb."),
    f("units", list_of(shaped(EXPECTED)), "Each unit with Prepare or Commit before it or under way."),
)
WAVE_IN_FULL = WAVE.with_more(
    "WaveInFull",
    "A wave with its units, windows, gates, approvals and quota.",
    f("windows", list_of(shaped(WINDOW)), "When it may start.", "its_windows"),
    f("planned_freezes", list_of(shaped(PLANNED_FREEZE)), "When nothing of it may start.", "standing.facts.planned"),
    f("forecast", shaped(FORECAST), "Will it fit?"),
    f("units", list_of(shaped(PLACED_UNIT)), "What moves.", "placed"),
    f("gates", list_of(shaped(GATE)), "Nine in order, from its units to its follow-ups.", "standing.gates"),
    f("state", one_of(WaveState), "Where it is.", "standing.state"),
    f("health", one_of(Health), "On track, or what is wrong.", "standing.health"),
    f("health_reason", text(), "Why, in words.", "standing.health_reason"),
    f("next", text(), "The one thing to do now.", "standing.next_sentence"),
    f("approval", shaped(APPROVAL, null=True), "Its newest approval that is not void.", "its_approval"),
    f("quota", list_of(shaped(QUOTA_LINE)), "What it has reserved."),
)

# --- runs -------------------------------------------------------------------------------------------------------------
RUN = Shape.made(
    "Run",
    "One attempt to migrate one unit.",
    f("id", uuid(), "Its id.", "pk"),
    f("unit", shaped(UNIT_NAME), "The unit."),
    f("wave", shaped(WAVE_NAME), "The wave."),
    f("state", one_of(State), "Where it stands."),
    f("outcome", one_of(RUN_OUTCOMES, null=True), "How it ended; null while it lives."),
    f("purpose", one_of(Purpose), "What it was asked for; a rehearsal is never committed."),
    f("started_by", text(), "Who: an actor of the history."),
    f("started_at", moment(), "Its begin."),
    f("ended_at", moment(null=True), "Its end."),
    f("waiting_code", text(null=True), "What it waits for, for machines."),
    f("waiting_for", text(null=True), "The same as a sentence."),
    f("waiting_since", moment(null=True), "Since when it waits for this."),
    f("attention", text(null=True), "Why a person should look."),
    f("attention_since", moment(null=True), "Since when."),
    f("due_at", moment(null=True), "When it is looked at again; null: it waits for a person."),
    f("held_at", moment(null=True), "Since when somebody holds it."),
    f("commit_armed_at", moment(null=True), "The point of no return."),
    f("unknown_since", moment(null=True), "Since when nobody knows what the platform did."),
)
ATTEMPT = Shape.made(
    "Attempt",
    "One HTTP send.",
    f("id", uuid(), "Its id, which travels as client request id.", "pk"),
    f("number", integer(), "Which one."),
    f("armed_at", moment(), "When it was armed."),
    f("resolved_at", moment(null=True), "When its answer was known."),
    f("outcome", text(null=True), "accepted, refused, throttled, unknown or not-sent."),
    f("http_status", integer(null=True), "The HTTP status."),
    f("request_id", text(null=True), "Azure's request id."),
    f("correlation_id", text(null=True), "Azure's correlation id."),
    f("excerpt", text(null=True), "The beginning of the answer."),
)
OPERATION = Shape.made(
    "Operation",
    "One verb sent to the platform.",
    f("id", uuid(), "Its id.", lambda row: row[0].pk),
    f("verb", one_of(Verb), "The verb.", lambda row: row[0].verb),
    f("state", one_of(OperationState), "Where it stands.", lambda row: row[0].state),
    f("created_at", moment(), "When it was made.", lambda row: row[0].created_at),
    f("armed_at", moment(null=True), "When it was last armed.", lambda row: row[0].armed_at),
    f("ended_at", moment(null=True), "Its end.", lambda row: row[0].ended_at),
    f("why", text(null=True), "The last decision as a sentence.", lambda row: row[0].why),
    f(
        "error",
        mapping(),
        "The last failure: code, message, class, catalogue; empty when there was none.",
        lambda row: row[0].error,
    ),
    f("messages", list_of(anything()), "What the platform said.", lambda row: row[0].messages),
    f("attempts", list_of(shaped(ATTEMPT)), "Every HTTP send.", lambda row: row[1]),
)
ASK = Shape.made(
    "Ask",
    "What a person wanted of a run.",
    f("verb", one_of(AskVerb), "What."),
    f("by", text(), "Who: an actor's reference."),
    f("at", moment(), "When."),
    f("reason", text(null=True), "Why."),
)
TRANSITION = Shape.made(
    "Transition",
    "One move of a run, with what it was concluded from.",
    f("from", one_of(State), "Where it stood.", "before"),
    f("to", one_of(State), "Where it stands.", "after"),
    f("at", moment(), "When."),
    f("because", text(), "Concluded from."),
    f("event", uuid(), "Its line of the history.", "event_id"),
)
COMPARISON = Shape.made(
    "Comparison",
    "Classic and Resource Manager held against each other after Prepare.",
    f("at", moment(), "When."),
    f("same", integer(), "Equal."),
    f("renamed", integer(), "Renamed as documented."),
    f("dropped", integer(), "Dropped as documented."),
    f("unexpected", integer(), "Not documented."),
    f("digest", text(), "Part of the seal of the commit."),
)
RUN_IN_FULL = RUN.with_more(
    "RunInFull",
    "A run with everything that happened in it.",
    f("members", list_of(text()), "Azure ids of what moves with the unit."),
    f("operations", list_of(shaped(OPERATION)), "The verbs sent.", "its_operations"),
    f("asks", list_of(shaped(ASK)), "What people wanted.", "its_asks"),
    f("transitions", list_of(shaped(TRANSITION)), "How it moved.", "its_transitions"),
    f("comparison", shaped(COMPARISON, null=True), "Null before it was made.", "its_comparison"),
)
DRIFT_KINDS = tuple(each.value for each in Drift)
DIFFERENCE = Shape.made(
    "Difference",
    "One row of a comparison.",
    f("id", integer(), "Its id.", "pk"),
    f("classic_key", text(null=True), "Key on the classic side."),
    f("arm_key", text(null=True), "Key on the Resource Manager side."),
    f("field", text(), "Which field."),
    f("before", anything(), "The classic value."),
    f("after", anything(), "The new value."),
    f("kind", one_of(DIFFERENCE_KINDS), "What sort of difference."),
    f("why", text(null=True), "Why it is that sort."),
    f("disposition", text(null=True), "What a person said of it."),
    f("disposed_by", text(null=True), "Who."),
    f("disposed_at", moment(null=True), "When."),
    f(
        "rehearsal",
        one_of(("same", "new"), null=True),
        "Whether the last rehearsal showed it; null: none, or kind same.",
    ),
)

DRIFT = Shape.made(
    "Drift",
    "A unit of which Azure shows something else than is held here.",
    f("id", integer(), "Its id.", "pk"),
    f("unit", integer(), "The unit.", "unit_id"),
    f("run", uuid(null=True), "Its live run.", "run_id"),
    f("kind", one_of(DRIFT_KINDS), "How it differs."),
    f("seen", text(null=True), "What Azure showed.", "world"),
    f("said", text(), "The same as a sentence."),
    f("advice", text(), "What a person does next."),
    f("raised_at", moment(), "Since when."),
    f("seen_at", moment(), "The newest reading that shows it."),
    f("noted_by", text(null=True), "Who knows of it."),
    f("noted_at", moment(null=True), "Since when."),
    f("ended_at", moment(null=True), "When it was over; null: it is open."),
    f("ended_how", text(null=True), "How it ended."),
)

# --- the history ------------------------------------------------------------------------------------------------------
EVENT = Shape.made(
    "Event",
    "One line of the history.",
    f("id", uuid(), "Its id."),
    f("at", moment(), "When."),
    f("type", text(), "Its type."),
    f("label", text(), "The type in words."),
    f("sentence", text(), "What happened."),
    f("actor", text(), "Who, by pseudonym."),
    f("actor_name", text(), "Who, by name, while the name is not erased."),
    f("object_kind", text(), "What it is about."),
    f("object_id", text(), "Which one."),
    f("result", one_of(("done", "denied", "failed")), "How it ended."),
    f("detail", mapping(), "What it says."),
    f("private", mapping(), "Private values this reader may see."),
    f("body", text(), "The line, byte for byte as it was hashed."),
)
CHECKPOINT = Shape.made(
    "Checkpoint",
    "A signed statement about all lines so far.",
    f("size", integer(), "How many lines it covers."),
    f("root", text(), "Root of their Merkle tree (RFC 6962), hexadecimal.", lambda row: bytes(row.root).hex()),
    f("note", text(), "The signed note (C2SP, Ed25519)."),
    f("reason", text(), "What it was signed for."),
    f("at", moment(), "When."),
)
EVENT_IN_FULL = Shape.made(
    "EventInFull",
    "One line of the history and its place in the chain.",
    *(f(one.name, one.type, one.about, lambda row, get=one.get: get(row.entry)) for one in EVENT.fields),
    f(
        "place",
        integer(null=True),
        "Its place, from 1; null while it is pending.",
        lambda row: None if row.seq is None else row.seq + 1,
    ),
    f("leaf", text(), "Hash of the line, hexadecimal."),
    f("checkpoint", shaped(CHECKPOINT, null=True), "The first signed checkpoint over it."),
    f("missing", list_of(text()), "Private values that are erased, or not for this reader."),
)
