"""What the API publishes of what people say of findings."""

from tracker.api.serializers import PERSON, UNIT_NAME
from tracker.api.shapes import Shape, anything, f, integer, list_of, moment, one_of, shaped, text, yes_no
from tracker.readiness.models import Attestation, Waiver

WAIVER = Shape.made(
    "Waiver",
    "A finding set aside, or asked to be.",
    f("id", integer(), "Its id.", "pk"),
    f("unit", shaped(UNIT_NAME), "The unit."),
    f("rule", text(), "The rule of the finding."),
    f("effect", text(), "What it means when it applies."),
    f("resource", text(), "Key of the resource the finding is about.", "resource_key"),
    f("sentence", text(), "The finding, as both people saw it."),
    f("evidence", list_of(anything()), "Which fields said so then: field, value."),
    f("shown", text(), "Digest of effect and evidence; a finding with another one counts."),
    f("reason", text(), "Why it can be set aside."),
    f("until", moment(), "When it ends by itself."),
    f("state", one_of(Waiver.State), "Where it stands."),
    f("asked_by", shaped(PERSON), "Who asked."),
    f("asked_at", moment(), "When."),
    f("decided_by", shaped(PERSON, null=True), "Who agreed or declined; never who asked."),
    f("decided_at", moment(null=True), "When."),
    f("decision_reason", text(null=True), "Why."),
    f("ended_at", moment(null=True), "When it came to its end."),
    f("end", text(null=True), "How a waiver that counted ended: expired, revoked, changed, settled."),
    f("end_reason", text(null=True), "Why."),
)
ATTESTATION = Shape.made(
    "Attestation",
    "A person's dated answer where no API can tell.",
    f("id", integer(), "Its id.", "pk"),
    f("rule", text(), "The rule."),
    f("applies", yes_no(), "The answer: whether the rule applies."),
    f("reach", one_of(Attestation.Reach), "What the answer holds for."),
    f("subject", text(), "Key of that resource or unit, or id of the subscription."),
    f("unit", shaped(UNIT_NAME), "The unit where it was given."),
    f("why", text(), "How the person knows."),
    f("until", moment(null=True), "When it ends by itself; null: when somebody withdraws it."),
    f("by", shaped(PERSON), "Who answered."),
    f("at", moment(), "When."),
    f("ended_at", moment(null=True), "When it was closed in the books."),
    f("end", text(null=True), "How: replaced, withdrawn, expired."),
    f("end_reason", text(null=True), "Why."),
)
