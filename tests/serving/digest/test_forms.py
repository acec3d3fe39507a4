"""Letters in their forms: nothing in a letter breaks out of any, and what is cut is cut at whole entries."""

import html.parser
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.channels import slack, teams
from serving.digest.cutting import Cut, fitted
from serving.digest.html import as_html
from serving.digest.letter import Entry, Letter, Section
from serving.digest.links import Links, is_link
from serving.digest.text import WIDTH, as_text
from serving.digest.tidy import tidied, tidy
from tests.serving.digest.letters import NASTY, letter, letters, texts
from tests.vendors.slack import workspace
from tests.vendors.teams import workflows


class _Page(html.parser.HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data)


TAGS = {"html", "head", "meta", "title", "body", "div", "p", "h2", "a"}
ATTRIBUTES = {"lang", "charset", "name", "content", "style", "dir", "href"}


def told(whole: Letter) -> list[str]:
    """Every text of a tidy letter that must be readable in each form."""
    texts = [whole.lead, *whole.foot]
    for section in whole.sections:
        texts += [section.title, *section.says]
        texts += [text for entry in section.entries for text in (entry.title, *entry.lines)]
    return [text for text in texts if text]


def addresses(whole: Letter) -> set[str]:
    return {entry.link for section in whole.sections for entry in section.entries if entry.link} | (
        {whole.link} if whole.link else set()
    )


@given(letters)
def test_tidy_texts_are_one_line_and_links_can_be_followed(given_letter):
    whole = tidy(given_letter)
    assert tidy(whole) == whole
    assert whole.subject
    for text in (whole.subject, *told(whole)):
        assert text.splitlines() in ([text], [])
        assert text == text.strip()
        text.encode()
    assert all(address.startswith(("http://", "https://")) for address in addresses(whole))


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("https://x.example/deals/1?a=1&b=2#c", True),
        ("http://127.0.0.1:8080", True),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://x.example:99999/", False),
        ("https://x.example/ a", False),
        ("https://x.example/\r\nX: y", False),
        ('https://x.example/"onclick="', False),
        ("https://x.example/<b>", False),
        ("https://x.example/a|b", False),
        ("//x.example", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_what_is_a_link(address, fits):
    assert is_link(address) is fits


def test_links_lead_to_pages_or_else_to_records():
    both = Links("https://d.example", "https://crm.example/Opportunity/{id}/view")
    assert both.deal("D 1/2") == "https://d.example/deals/D%201%2F2"
    assert both.deals == "https://d.example/deals"
    alone = Links(None, "https://crm.example/Opportunity/{id}/view")
    assert alone.deal("a&b") == "https://crm.example/Opportunity/a%26b/view"
    assert (alone.deals, Links().deal("x")) == (None, None)


@given(letters)
def test_html_has_our_tags_alone_and_says_everything(given_letter):
    whole = tidy(given_letter)
    page = _Page(as_html(Cut(whole)))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, given_attributes in page.tags for name in given_attributes} <= ATTRIBUTES
    assert {attributes["href"] for tag, attributes in page.tags if tag == "a"} == addresses(whole)
    shown = "".join(page.texts)
    assert all(text in shown for text in told(whole) if text.strip())


@given(letters)
def test_plain_text_says_everything_in_78_columns(given_letter):
    whole = tidy(given_letter)
    text = as_text(Cut(whole))
    without = "".join(text.split())
    assert all("".join(one.split()) in without for one in told(whole))
    lines = text.split("\n")
    assert text.splitlines() == lines[:-1], "no sign in it ends a line but our own line ends"
    assert all(len(line) <= WIDTH or line.strip() in addresses(whole) for line in lines)
    assert addresses(whole) <= {line.strip() for line in lines}


@given(letters, texts)
def test_slack_takes_it_and_reads_none_of_it_as_markup(given_letter, name):
    whole = tidy(given_letter)
    message = slack.as_message(Cut(whole), name)
    place = workspace.Workspace(hooks={"/services/1": []})
    status, said, _ = place.answer("/services/1", "application/json", json.dumps(message).encode())
    assert (status, said) == (200, "ok")
    assert workspace.markup(message) == []
    shown = workspace.shown(message)
    assert all(text in shown for text in told(whole))
    assert set(workspace.links(message)) == addresses(whole)


@given(letters, texts)
def test_teams_takes_it_and_reads_none_of_it_as_markdown(given_letter, name):
    whole = tidy(given_letter)
    flows = workflows.Workflows()
    hook = flows.hook()
    body = json.dumps(teams.as_message(Cut(whole), name)).encode()
    assert flows.answer(hook, "application/json", body)[0] == 202
    assert flows.lost == []
    (card,) = next(iter(flows.flows.values()))
    assert workflows.read_as_markdown(card) == []
    shown = workflows.shown(card)
    assert all(text in shown for text in (whole.subject, *told(whole)))
    assert set(workflows.links(card)) == addresses(whole)


@given(st.text())
def test_what_slack_would_read_as_markup_is_escaped(text):
    escaped = slack.escaped(text)
    assert "<" not in escaped
    assert ">" not in escaped
    assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


FORMS = {
    "text": (as_text, lambda form: len(form) < 3_000),
    "html": (as_html, lambda form: len(form) < 9_000),
    "slack": (slack.as_message, slack.fits),
    "teams": (teams.as_message, teams.fits),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_letter_that_is_too_long_is_cut_at_whole_entries_and_says_how_many_more(name):
    form, fits = FORMS[name]
    whole = letter(300)
    made = fitted(whole, form, fits)
    assert made is not None
    assert fits(made)
    text = made if isinstance(made, str) else json.dumps(made, ensure_ascii=False)
    kept = [number for number in range(1, 301) if f"Deal {number} ·" in text]
    assert kept == list(range(1, len(kept) + 1))
    assert 0 < len(kept) < 300
    assert text.count("Next: ask for the decision date.") == len(kept), "no entry in parts"
    assert f"and {300 - len(kept)} more" in text
    assert "https://dealcast.example.com/deals" in text
    assert "Chances are computed" in text
    one_more = form(Cut(tidy(letter(len(kept) + 1)), 300 - len(kept) - 1))
    assert not fits(one_more), "as many as can be had"


@given(letters, st.integers(0, 2_000))
def test_whatever_is_cut_fits_or_there_is_nothing(given_letter, most):
    made = fitted(given_letter, as_text, lambda form: len(form) <= most)
    bare = as_text(Cut(Letter("", tidy(given_letter).lead, (), (), tidy(given_letter).link), 0))
    assert made is None or len(made) <= most
    if made is None:
        assert len(bare) > most - len("and 9 more\n\n")


def test_what_fits_is_whole_and_without_entries_what_is_said_remains():
    assert fitted(letter(5), as_text, lambda _: True) == as_text(Cut(tidy(letter(5))))
    says = Letter("s", "lead", (Section("One", (Entry("e" * 900, ()),), ("said",)), Section("Two", (Entry("f", ()),))))
    made = fitted(says, as_text, lambda form: len(form) < 100)
    assert made == "lead\n\nOne\n===\nsaid\n\nand 2 more\n"


def test_slack_never_cuts_a_subject():
    long = "word " * 40
    message = slack.as_message(Cut(tidy(Letter(long, "lead", ()))))
    assert workspace.shown(message)[0] == tidied(long)
    assert message["blocks"][0]["type"] == "rich_text"
    assert slack.as_message(Cut(tidy(Letter("short", "lead", ()))))["blocks"][0]["type"] == "header"


def test_slack_shows_every_line_of_the_foot():
    foot = tuple(f"line {number}" for number in range(23))
    assert workspace.shown(slack.as_message(Cut(Letter("s", "lead", (), foot))))[-23:] == list(foot)


@pytest.mark.parametrize("text", NASTY)
def test_tidied_texts_have_nothing_unseen(text):
    assert not any(sign in tidied(text) for sign in "\r\n\x00\x1b\u2028\u202e\u2066")
