"""Secret answers are sealed at rest, and asked again where they cannot be opened any more."""

import json

import pytest
from django.db import connection

from tests.tracker.followups.test_followups import SECRET_ANSWER, closed, with_a_secret
from tests.tracker.runs.programme import Programme
from tracker.followups import actions as followups
from tracker.followups import queries, sealing
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now

OTHER = "another-secret-key-of-more-than-thirty-two-characters"


def everything() -> str:
    """Every text column of every table of the product that could hold an answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(to_jsonb(f)::text, '') FROM tracker_followup f")
        kept = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(body, '') FROM tracker_event")
        return kept + cursor.fetchone()[0]


def test_the_database_does_not_hold_the_secret_and_azure_gets_it(programme: Programme) -> None:
    row = with_a_secret(programme)
    row.refresh_from_db()
    assert SECRET_ANSWER not in everything() and json.dumps(row.answers).count(sealing.SEALED) == 1
    assert SECRET_ANSWER in queries.required(row).answers.values()
    assert SECRET_ANSWER in json.dumps([one.body for one in queries.required(row).requests])
    followups.apply(row, by=programme.tomas, now=database_now())
    assert closed(programme, row).state == "closed" and SECRET_ANSWER not in everything()


def test_with_an_older_key_beside_the_new_one_it_still_opens(programme: Programme, settings) -> None:
    row = with_a_secret(programme)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, [settings.SECRET_KEY]
    assert SECRET_ANSWER in queries.required(row).answers.values()


def test_where_the_key_is_lost_it_is_asked_again_and_nothing_half_written_is_sent(
    programme: Programme, settings
) -> None:
    row = with_a_secret(programme)
    followups.apply(row, by=programme.tomas, now=database_now())
    known = settings.SECRET_KEY
    settings.SECRET_KEY = OTHER
    said = followups.advance(row.pk, gateway=lambda _: programme.gateway, clock=database_now)
    row.refresh_from_db()
    assert "give it again" in said and (row.state, row.sent) == ("failed", False)
    assert [one.secret for one in queries.required(row).open_questions] == [True]
    with pytest.raises(followups.NotApplicable, match="give it again"):
        followups.apply(row, by=programme.tomas, now=database_now())
    (question,) = queries.required(row).open_questions
    row = followups.answer(row, {question.id: SECRET_ANSWER}, by=programme.tomas, now=database_now())
    followups.apply(row, by=programme.tomas, now=database_now())
    assert closed(programme, row).state == "closed"
    settings.SECRET_KEY = known  # what was seen stays seen where it cannot be looked at again
    FollowUp.objects.filter(pk=row.pk).update(due_at=database_now(), lease_until=None)
    said = followups.advance(row.pk, gateway=lambda _: programme.gateway, clock=database_now)
    row.refresh_from_db()
    assert said == "closed, and cannot be looked at again" and (row.state, row.due_at) == ("closed", None)
