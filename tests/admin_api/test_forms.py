"""From a form to settings and back: nothing is lost, nothing is invented."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from admin_api.edits import DEFAULTS
from admin_api.merge import merge
from admin_api.web import forms
from admin_api.web.fields import Field, all_fields
from engine.core.settings import CampaignSettings


def leaves(schema: dict, document: dict, path: str) -> set[str]:
    """Paths of all settings of the models, groups opened."""
    found = set()
    for name, raw in schema["properties"].items():
        one = document["$defs"][raw["$ref"].rpartition("/")[2]] if "$ref" in raw else raw
        here = f"{path}.{name}"
        found |= leaves(one, document, here) if "properties" in one else {here}
    return found


def test_every_setting_has_a_field():
    document = CampaignSettings.model_json_schema()
    assert {field.path for field in all_fields()} == leaves(document, document, "settings")


def test_fields_know_the_limits_of_the_models():
    (ring,) = [f for f in all_fields() if f.path == "settings.dialing.ring_timeout_s"]
    assert (ring.kind, ring.unit, ring.minimum, ring.maximum) == ("number", "seconds", 5, 120)


def saved(sent: list[tuple[str, str]], current: dict) -> dict:
    patch = forms.settings_of(sent, all_fields(), current)
    wanted = merge(current, patch, DEFAULTS)
    return CampaignSettings.model_validate(wanted).model_dump(mode="json")


def test_an_empty_form_is_the_default_but_for_ticks_and_lists():
    found = saved([], CampaignSettings().model_dump(mode="json"))
    assert found["dialing"] == DEFAULTS["dialing"]
    assert found["redial"]["rules"] == DEFAULTS["redial"]["rules"]
    assert found["hours"]["windows"] == []
    assert found["hours"]["respect_contact_timezone"] is False


def test_rows_keep_their_order_and_may_have_gaps():
    sent = [
        (f"settings.dispositions.{n}.{cell}", value)
        for n, code in ((7, "second"), (2, "first"))
        for cell, value in (("code", code), ("action", "done"), ("delay_s", ""))
    ]
    found = saved(sent, CampaignSettings().model_dump(mode="json"))["dispositions"]
    assert [row["code"] for row in found] == ["first", "second"]
    assert found[0]["delay_s"] == 3600


def test_a_line_of_a_table_by_key_that_is_gone_is_taken_away():
    field = Field("settings.limits.regions", "map", "", columns=[Field("max", "number", "")])
    sent = [
        ("settings.limits.regions.1.key", "US-FL"), ("settings.limits.regions.1.max", "3"),
        ("settings.limits.regions.2.key", " "), ("settings.limits.regions.2.max", "9"),
    ]  # fmt: skip
    current = {"limits": {"regions": {"US-TX": {"max": 1}}}}
    patch = forms.settings_of(sent, [field], current)
    assert patch == {"limits": {"regions": {"US-TX": None, "US-FL": {"max": "3"}}}}


def test_lines_with_the_same_key_belong_together():
    columns = [Field("days", "checks", ""), Field("start", "text", "")]
    field = Field("settings.hours.regions", "lists", "", columns=columns, inner="windows")
    at = "settings.hours.regions"
    sent = [
        (f"{at}.0.key", "US-FL"), (f"{at}.0.days", "mon"), (f"{at}.0.start", "08:00"),
        (f"{at}.1.key", "US-FL"), (f"{at}.1.days", "tue"), (f"{at}.1.start", "09:00"),
        (f"{at}.1000.key", "US-TX"), (f"{at}.1000.start", ""),
        (f"{at}.1001.key", ""), (f"{at}.1001.start", "10:00"),
    ]  # fmt: skip
    patch = forms.settings_of(sent, [field], {"hours": {"regions": {"US-AL": {"windows": []}}}})
    monday, tuesday = {"days": ["mon"], "start": "08:00"}, {"days": ["tue"], "start": "09:00"}
    assert patch["hours"]["regions"] == {
        "US-AL": None,
        "US-FL": {"windows": [monday, tuesday]},
        "US-TX": {"windows": []},
    }


def test_text_that_is_no_json_is_refused_by_the_models_and_not_lost():
    (field,) = [Field("settings.x", "json", "")]
    patch = forms.settings_of([(field.path, "{broken")], [field], {})
    assert "{broken" in str(patch)


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=20)), max_size=8))
def test_whatever_is_sent_makes_a_patch(sent: list[tuple[str, str]]):
    names = [field.path for field in all_fields()]
    mixed = [(names[len(name) % len(names)] + name[:3], value) for name, value in sent]
    assert isinstance(forms.settings_of(mixed, all_fields(), DEFAULTS), dict)


def test_differences_name_each_setting_once():
    one = {"a": {"b": 1, "c": 2}, "d": [1]}
    other = {"a": {"b": 1, "c": 3}, "d": [2], "e": None}
    assert forms.differences(one, other) == [("a.c", 2, 3), ("d", [1], [2])]


async def test_the_page_sends_back_what_it_shows(admin, make_campaign, app, store):
    """Every input of the form of a campaign with something everywhere, read as a browser would."""
    from datetime import UTC, datetime

    campaign = await make_campaign(
        name="Everything",
        dispositions=[{"code": "sale", "label": "A & B", "action": "callback", "delay_s": 60}],
        limits={"max_per_24h": 3, "regions": {"US-FL": {"max_per_24h": 2}}},
        hours={
            "windows": [{"start": "00:00", "end": "24:00"}],
            "regions": {
                "US-FL": {"windows": [{"days": ["mon"]}, {"start": "09:00"}]},
                "US-AL": {"windows": []},
            },
        },
        script="Line 1\nLine <2>",
    )
    user = await store.users.create("x", "admin", "", actor="test", now=datetime.now(UTC))
    _, secret = await store.sessions.begin(user, datetime.now(UTC), 600)
    admin.cookies.set("dialer_session", secret)
    html = (await admin.get(f"/campaigns/{campaign['id']}/edit")).text
    sent = sent_by_browser(html[html.index("<fieldset") :])
    assert saved(sent, CampaignSettings().model_dump(mode="json")) == campaign["settings"]


class Browser(HTMLParser):
    """What a browser would send of a form; templates are not part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self._in_template = False
        self._name: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._in_template |= tag == "template"
        if self._in_template:
            return
        if tag == "option":
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag in ("select", "textarea"):
            self._name, self._text = given["name"], ""
        elif tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.sent.append((given["name"], given.get("value") or ""))

    def handle_data(self, data):
        if self._name and not self._options:
            self._text += data

    def handle_endtag(self, tag):
        if tag == "template":
            self._in_template = False
        elif tag == "textarea" and self._name:
            self.sent.append((self._name, self._text.replace("\n", "\r\n")))
            self._name = None
        elif tag == "select" and self._name:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            self.sent.append((self._name, (chosen or [self._options[0][0]])[0]))
            self._name, self._options = None, []


def sent_by_browser(html: str) -> list[tuple[str, str]]:
    browser = Browser()
    browser.feed(html)
    return browser.sent


def test_changed_is_the_part_that_is_new():
    old = {"a": {"b": 1, "c": 2}, "d": [1], "e": 5}
    assert forms.changed({"a": {"b": 1, "c": 3}, "d": [2], "e": 5}, old) == {
        "a": {"c": 3},
        "d": [2],
    }
    assert forms.changed(old, old) == {}
