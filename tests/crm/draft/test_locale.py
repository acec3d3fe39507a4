"""What must be declared of how times and numbers are written; where the data cannot tell, that is said."""

import pytest

from crm.draft.look import look_at


def folder(tmp_path, days, amounts=("1", "2")):
    rows = ["opportunity_id;created_at;stage;amount"]
    rows += [f"D{i};{day};New;{amounts[i % len(amounts)]}" for i, day in enumerate(days)]
    (tmp_path / "opportunities.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return look_at(tmp_path)


@pytest.mark.parametrize(
    ("days", "declared"),
    [
        (["25/12/2024", "01/02/2024"], "%d/%m/%Y"),
        (["12/25/2024", "01/02/2024"], "%m/%d/%Y"),
        (["25.12.24", "01.02.24"], "%d.%m.%y"),
        (["45651", "45652.5"], "excel"),
        (["2024-12-25", "2024-01-02"], None),
    ],
)
def test_the_format_that_alone_can_be_meant_is_declared(tmp_path, days, declared):
    look = folder(tmp_path, days)
    assert look.locale.date_format == declared
    assert look.locale.undecided == ()
    assert len(look.reading.tables["opportunities"]) == 2
    assert look.mapping.time_zone == "UTC", "a day that stands for a time needs a zone"


@pytest.mark.parametrize("days", [["01/02/2024", "03/04/2024"], ["25/12/2024", "12/25/2024"]])
def test_days_that_can_be_read_in_two_ways_are_left_to_people(tmp_path, days):
    look = folder(tmp_path, days)
    assert look.locale.undecided == ("date_format",)
    assert look.locale.why_date
    assert look.reading is None
    assert "day first" in str(look.refusal)


@pytest.mark.parametrize(
    ("amounts", "declared", "undecided"),
    [
        (("1.234,56", "7"), ",", ()),
        (("12,5", "7"), ",", ()),
        (("1,234.56", "7"), None, ()),
        (("1,234", "7"), None, ("decimal",)),
    ],
)
def test_the_decimal_mark(tmp_path, amounts, declared, undecided):
    look = folder(tmp_path, ["2024-12-25", "2024-01-02"], amounts)
    assert (look.locale.decimal, look.locale.undecided) == (declared, undecided)


def test_times_with_their_zone_need_none(tmp_path):
    look = folder(tmp_path, ["2024-12-25T10:00:00Z", "2024-01-02T10:00:00+01:00"])
    assert not look.locale.needs_zone
    assert look.mapping.time_zone is None
