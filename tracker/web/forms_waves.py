"""Forms of the pages of waves, approvals and freezes. They read what was typed; actions decide what it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from migrator import windows
from migrator.resources import Verb
from tracker.inventory.models import Subscription
from tracker.waves.actions import LONGEST_NAME, LONGEST_REASON, LONGEST_TEXT
from tracker.waves.models import Wave

SHAPE = "%Y-%m-%dT%H:%M"
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


def read_local(text: str, zone: ZoneInfo, which: str = "") -> datetime:
    """A time as a person typed it, in a zone, as an aware time in UTC. `which` of two that come twice: "first",
    "second", or empty. Raises ValidationError: not readable, too far, in the gap when clocks go forward, or (code
    "twice") twice there when they go back."""
    try:
        local, offset = windows.read(text)
        return windows.instant(local, zone, offset)
    except windows.ComesTwice as error:
        if which in ("first", "second"):
            return getattr(error, which)
        raise ValidationError(str(error), code="twice") from error
    except windows.TimeError as error:
        raise ValidationError(str(error)) from error


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


def zone_field() -> forms.CharField:
    return forms.CharField(
        max_length=60,
        label="Time zone",
        help_text="In which the times are meant.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
    )


def _moment_field() -> forms.CharField:
    return forms.CharField(max_length=40, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))


class ZonedForm(Form):
    """A form with a time zone and local times in it; of each name in `TIMES` the cleaned data has `<name>_at`, aware.

    Of a time that comes twice the form asks which one is meant (`<name>_which`), and shows that question only then."""

    TIMES: tuple[str, ...] = ()

    def clean_zone(self) -> ZoneInfo:
        try:
            return windows.zone(self.cleaned_data["zone"])
        except windows.NoZone as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        zone = cleaned.get("zone")
        for name in self.TIMES:
            if zone is not None and name in cleaned:
                try:
                    cleaned[f"{name}_at"] = read_local(
                        cleaned[name], zone, self.data.get(self.add_prefix(f"{name}_which"), "")
                    )
                except ValidationError as error:
                    if error.code == "twice":
                        self._ask_which(name)
                    self.add_error(name, error)
        return cleaned

    def _ask_which(self, name: str) -> None:
        self.fields[f"{name}_which"] = forms.ChoiceField(
            required=False,
            label=f"Which {self.fields[name].label or name} of the two",
            choices=[("", "Choose"), ("first", "The first, before the clocks go back"),
                     ("second", "The second, after they went back")],
        )  # fmt: skip

    @property
    def asked(self) -> list[Any]:
        """The questions of times that come twice."""
        return [self[f"{name}_which"] for name in self.TIMES if f"{name}_which" in self.fields]


class WindowForm(ZonedForm):
    """When Prepare and Commit may start. `opens_at` and `closes_at` of the cleaned data are aware."""

    TIMES = ("opens", "closes")
    opens = _moment_field()
    closes = _moment_field()
    zone = zone_field()

    @classmethod
    def showing(cls, wave: Wave, zone: tzinfo) -> "WindowForm":
        """Unbound, with the wave's window if it has one, in the words it was said in."""
        window = wave.windows.order_by("opens_at").first()
        initial: dict[str, Any] = {"zone": str(zone)}
        if window is not None:
            where = windows.zone(window.zone) if window.opens_said else zone
            initial["zone"] = str(where)
            for name, at in (("opens", window.opens_at), ("closes", window.closes_at)):
                initial[name] = at.astimezone(where).strftime(SHAPE)
        return cls(initial=initial)


class WeeklyForm(Form):
    """Windows that come every week. `rule` of the cleaned data is a windows.Weekly."""

    weekday = forms.TypedChoiceField(choices=list(enumerate(windows.DAYS)), coerce=int, label="Every")
    opens = forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}), label="Start")
    closes = forms.TimeField(
        widget=forms.TimeInput(attrs={"type": "time"}), label="End", help_text="On the next day where it is not later."
    )
    first = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="From")
    last = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="To")
    zone = zone_field()

    clean_zone = ZonedForm.clean_zone

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "weekly", **kwargs})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            opens: time = cleaned["opens"]
            first: date = cleaned["first"]
            rule = windows.Weekly(
                cleaned["weekday"],
                opens.replace(second=0, microsecond=0),
                cleaned["closes"].replace(second=0, microsecond=0),
                cleaned["zone"],
                first,
                cleaned["last"],
            )
            try:
                windows.occurrences(rule)
            except windows.BadRule as error:
                self.add_error("last", str(error))
            cleaned["rule"] = rule
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

    def __init__(self, *args: Any, places: "Places", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = places.choices(tuple(Verb))  # type: ignore[attr-defined]


class PlanFreezeForm(ZonedForm):
    """A freeze that is planned ahead. `begins_at` and `ends_at` of the cleaned data are aware."""

    TIMES = ("begins", "ends")
    scope = forms.ChoiceField(label="What")
    begins = _moment_field()
    ends = _moment_field()
    zone = zone_field()
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        help_text="For example: quarter end. Whatever waits for it shows this.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, places: "Places", **kwargs: Any) -> None:
        super().__init__(*args, **{"prefix": "plan", **kwargs})
        self.fields["scope"].choices = places.choices((Verb.PREPARE, Verb.COMMIT))  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Places:
    """What a freeze can be of."""

    subscriptions: Sequence[Subscription]
    regions: Sequence[str]
    waves: Sequence[Wave]

    def choices(self, verbs: Sequence[Verb]) -> list[tuple[str, Any]]:
        return [
            ("all", "Everything"),
            ("One verb", [(f"verb:{verb.value}", f"{verb.value.capitalize()}, everywhere") for verb in verbs]),
            ("One wave", [(f"wave:{each.pk}", each.name) for each in self.waves]),
            ("One region", [(f"region:{name}", name) for name in self.regions]),
            ("One subscription", [(f"subscription:{each.pk}", each.name) for each in self.subscriptions]),
        ]
