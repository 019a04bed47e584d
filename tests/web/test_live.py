import pytest
from django.http import HttpResponse
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory, override_settings

from tracker.web import live

FRAGMENT = '{% live "part" url="/x/?a=1&b=2" etag=tag every="2s" finished=done %}<b>{{ n }}</b>{% endlive %}'


def render(**context: object) -> str:
    return Template(FRAGMENT).render(Context({"tag": "abc", "done": None, "n": 1, **context}))


def test_a_live_element_asks_for_itself_with_the_etag_it_shows() -> None:
    html = render()
    assert html.startswith('<div id="part" class="live" hx-get="/x/?a=1&amp;b=2" hx-trigger="every 2s"')
    assert 'hx-headers="{&quot;If-None-Match&quot;: &quot;\\&quot;abc\\&quot;&quot;}"' in html
    assert html.endswith(" data-live><b>1</b></div>")


def test_a_finished_element_no_longer_asks() -> None:
    assert render(done="2026-11-22") == '<div id="part" class="live"><b>1</b></div>'


def test_what_it_shows_is_escaped() -> None:
    assert "<script" not in render(tag='"><script>')


@pytest.mark.parametrize(
    "source",
    [
        "{% live %}{% endlive %}",
        '{% live "a" url="/" %}{% endlive %}',
        '{% live "a" url="/" etag="1" ever="2s" %}{% endlive %}',
    ],
)
def test_a_wrong_use_is_named_at_compile_time(source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="live"):
        Template(source)


@pytest.mark.parametrize("header", ['"abc"', 'W/"abc"', '"x", W/"abc"'])
def test_the_same_etag_is_not_sent_again(header: str) -> None:
    answer = live.unchanged(RequestFactory().get("/", headers={"if-none-match": header}), "abc")
    assert isinstance(answer, HttpResponse)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", '"abc"')


@pytest.mark.parametrize("header", ["", '"abcd"', "*"])
def test_another_etag_is_answered(header: str) -> None:
    assert live.unchanged(RequestFactory().get("/", headers={"if-none-match": header}), "abc") is None


@override_settings(ROOT_URLCONF="tracker.urls")
def test_a_finished_fragment_ends_the_polling_but_opens_as_a_page() -> None:
    context = {"live": {"url": "/", "etag": "e", "beat": 1, "finished": True}}
    polled = live.fragment(
        RequestFactory().get("/", headers={"hx-request": "true"}), "style/_live.html", context, "e", finished=True
    )
    opened = live.fragment(RequestFactory().get("/"), "style/_live.html", context, "e", finished=True)
    assert (polled.status_code, opened.status_code) == (286, 200)
    assert polled["Cache-Control"] == "no-store"
    assert polled["ETag"] == '"e"'


def test_etags_tell_values_apart() -> None:
    assert live.etag("a", "bc") != live.etag("ab", "c")
    assert live.etag(1, None) == live.etag(1, None)
