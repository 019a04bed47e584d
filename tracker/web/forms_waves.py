"""Forms of the pages of waves, approvals and freezes. They read what was typed; actions decide what it means."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.core.exceptions import ValidationError

from migrator.resources import Verb
from tracker.inventory.models import Subscription
from tracker.waves.actions import LONGEST_NAME, LONGEST_REASON, LONGEST_TEXT
from tracker.waves.models import Wave

FIRST_YEAR, LAST_YEAR = 2000, 2100
SHAPES = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
# Offered while typing; any zone of the tz database is understood.
ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Stockholm",
    "Europe/Warsaw",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
)


def read_local(text: str, zone: tzinfo) -> datetime:
    """A time as a person typed it, in a zone, as an aware time in UTC. Raises ValidationError: not readable, too far,
    in the gap when clocks go forward, or twice there when they go back."""
    text = text.strip()
    local = None
    for shape in SHAPES:
        try:
            local = datetime.strptime(text, shape) if text.isascii() else None  # noqa: DTZ007 - its zone is given below
        except ValueError:
            continue
        if local:
            break
    if local is None:
        raise ValidationError("This is not a date and time; write it as 2026-12-01 22:00.")
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise ValidationError(f"The year {local.year} cannot be meant; check the date.")
    said = f"{local:%H:%M} on {local.day} {local:%b %Y}"
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
        raise ValidationError(
            f"There is no {said} in {zone}: the clocks go forward over it. Choose a time before or after."
        )
    if first.utcoffset() != second.utcoffset():
        raise ValidationError(
            f"{said} comes twice in {zone}: the clocks go back. Choose another time, or give the window in UTC."
        )
    return first.astimezone(UTC)


class Form(forms.Form):
    """Labels without a colon, as everywhere on the pages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class WaveForm(Form):
    """Name, purpose, owner."""

    name = forms.CharField(
        max_length=LONGEST_NAME,
        help_text="Short and spoken: people say it on calls.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    owner = forms.CharField(
        max_length=LONGEST_NAME,
        required=False,
        help_text="Who answers for it. Needed before it can be submitted.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    purpose = forms.CharField(
        max_length=LONGEST_TEXT,
        required=False,
        help_text="What moves and why now. The approver reads it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class WindowForm(Form):
    """When Prepare and Commit may start. `opens_at` and `closes_at` of the cleaned data are aware."""

    opens = forms.CharField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    closes = forms.CharField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    zone = forms.CharField(
        max_length=60,
        label="Time zone",
        help_text="In which both times are meant.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
    )

    @classmethod
    def showing(cls, wave: Wave, zone: tzinfo) -> "WindowForm":
        """Unbound, with the wave's window if it has one."""
        window = wave.windows.order_by("opens_at").first()
        initial: dict[str, Any] = {"zone": str(zone)}
        if window is not None:
            for name, at in (("opens", window.opens_at), ("closes", window.closes_at)):
                initial[name] = at.astimezone(zone).strftime(SHAPES[0])
        return cls(initial=initial)

    def clean_zone(self) -> ZoneInfo:
        name = self.cleaned_data["zone"]
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValidationError("There is no such time zone; write it like Europe/Berlin, or UTC.") from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        zone = cleaned.get("zone")
        for name in ("opens", "closes"):
            if zone is not None and name in cleaned:
                try:
                    cleaned[f"{name}_at"] = read_local(cleaned[name], zone)
                except ValidationError as error:
                    self.add_error(name, error)
        return cleaned


class ReasonForm(Form):
    """One reason, needed."""

    reason = forms.CharField(max_length=LONGEST_REASON, strip=True)


class DecisionForm(Form):
    """What a person decided on a review page, and of which version."""

    decision = forms.ChoiceField(choices=[("approve", "approve"), ("reject", "reject")])
    digest = forms.CharField(max_length=64, strip=False)
    reason = forms.CharField(max_length=LONGEST_TEXT, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class FreezeForm(Form):
    """What is frozen, and why."""

    scope = forms.ChoiceField(label="What")
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        help_text="Stands on every page until the freeze is lifted; people read it at 2 a.m.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, subscriptions: Sequence[Subscription], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = [  # type: ignore[attr-defined]
            ("all", "Everything"),
            ("One verb", [(f"verb:{verb.value}", f"{verb.value.capitalize()}, everywhere") for verb in Verb]),
            ("One subscription", [(f"subscription:{each.pk}", each.name) for each in subscriptions]),
        ]
