"""Letters and people of the tests."""

from __future__ import annotations

from hypothesis import strategies as st

from serving.digest.letter import Entry, Letter, Person, Section

ADA = Person("u2", "Ada Byron", "ada@example.com")
BOB = Person("u3", "Bob Boole", "bob@example.com")

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "line\r\nBcc: everybody@example.com\r\n\r\nbody",
    "<!channel> <@U123> <https://evil.example|click> &amp;",
    "*bold* _it_ ~no~ `code` [x](https://evil.example) **b** # h",
    "\u202egnp.exe\u2066 right \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "👩\u200d👩\u200d👧 🚀 e\u0301",
    "{{ 7 * 7 }} {% raw %} ${env} {{DATE(2020-01-01T00:00:00Z)}}",
    "\x00\x1b[31mred\x07\u2028next\u2029",
    ".\r\n.\r\n",
    "javascript:alert(1)",
)

texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(NASTY),
    st.builds("{} {}".format, st.sampled_from(NASTY), st.text(max_size=9)),
)
links = st.one_of(
    st.none(), texts, st.sampled_from(["https://x.example/deals/1?a=1&b=%22", "http://x.example", "ftp://x"])
)
entries = st.builds(Entry, texts, st.lists(texts, max_size=3).map(tuple), links)
sections = st.builds(Section, texts, st.lists(entries, max_size=3).map(tuple), st.lists(texts, max_size=2).map(tuple))
letters = st.builds(
    Letter, texts, texts, st.lists(sections, max_size=3).map(tuple), st.lists(texts, max_size=2).map(tuple), links
)


def letter(entries: int = 2, words: str = "No reply from the buyer for 24 days.") -> Letter:
    """A rep's morning with so many deals."""
    deals = (
        Entry(
            f"Deal {number} · Northwind · Proposal · € 48 k",
            (words, "Win chance 62 %, 9 points down.", "Next: ask for the decision date."),
            f"https://dealcast.example.com/deals/D{number:05}",
        )
        for number in range(1, entries + 1)
    )
    return Letter(
        "3 deals moved, 1 went quiet",
        "3 deals moved up, 1 went quiet, 2 close dates passed.",
        (Section("Needs you today", tuple(deals), ("The most urgent first.",)),),
        ("As of 2026-11-23 06:00.", "Chances are computed from how deals like these ended."),
        "https://dealcast.example.com/deals",
    )
