"""Sections of the page: a new one takes the place of its earlier version, others stay, those of nobody go."""

from benchmarks import __main__ as page


def test_sections_are_replaced_kept_and_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    for name, known in (("gone", ["gone"]), ("kept", ["gone", "kept"]), ("told", ["gone", "kept", "told"])):
        page.write_section(name, name.title(), f"Old text of {name}.", known)
    assert "Old text of gone." in page.PAGE.read_text(encoding="utf-8")
    page.write_section("told", "Told", "New text.\n\n### A part\n\nMore.", ["kept", "told"])
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.startswith(page.HEAD)
    assert "Old text of kept." in text
    assert text.endswith("## Told\n\nNew text.\n\n### A part\n\nMore.\n")
    assert "gone" not in text
    assert "Old text of told." not in text


def test_a_benchmark_that_is_not_there_is_named(capsys):
    assert page.main(["nothing"]) == 2
    assert "there is no benchmark nothing" in capsys.readouterr().err
