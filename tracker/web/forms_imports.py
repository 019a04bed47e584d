"""The form of an upload. It reads what was typed; the readers of files decide what it means."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings

from tracker.inventory.models import Subscription
from tracker.web.forms_waves import read_local


class UploadForm(forms.Form):
    """`subscription`, `network` and `region` are what an XML or a CSV does not name; `as_of` when it was made."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        max_length=1_000,
        widget=forms.FileInput(attrs={"accept": ".json,.xml,.csv,application/json,text/xml,text/csv"}),
        help_text="A captured estate (JSON), answers of service management (XML), or the CSV of AsmMetadataParser.",
    )
    subscription = forms.CharField(
        label="Subscription of an XML or CSV",
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"list": "subscriptions", "spellcheck": "false", "autocomplete": "off"}),
        help_text="Its id. A captured estate names its own.",
    )
    network = forms.CharField(
        label="Virtual network of a CSV",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text="The toolset writes one CSV for each network. Empty: it stays unknown.",
    )
    region = forms.CharField(
        label="Region of a CSV",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text="Such as westeurope.",
    )
    as_of = forms.CharField(
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"type": "datetime-local"}),
        help_text="When an XML or CSV was made. It never overwrites what was read later.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        self.fields["as_of"].label = f"Made at ({settings.TIME_ZONE})"

    def clean_as_of(self) -> datetime | None:
        text = self.cleaned_data["as_of"]
        return read_local(text, ZoneInfo(settings.TIME_ZONE)) if text else None


def known_subscriptions() -> list[tuple[str, str]]:
    """(id, name), for the list offered while typing."""
    return list(Subscription.objects.order_by("name").values_list("pk", "name")[:500])
