"""[sinks.NAME]: which kind, what it needs, secrets from elsewhere; what is off is refused with the right word."""

import pytest

from crm.errors import WrongUse
from pipelines.config import Home, load_config
from pipelines.sinks import sink_called
from serving.sinks.file import FileSink
from serving.sinks.sql import SqlSink


@pytest.fixture
def configured(tmp_path):
    """The sink of that name in a configuration of that text."""

    def read(text: str, name: str = "crm"):
        (tmp_path / "dealcast.toml").write_text(text, encoding="utf-8")
        return sink_called(name, load_config(Home(tmp_path)))

    return read


def test_a_sink_is_opened_as_its_section_says(configured):
    text = """
        [sinks.sheet]
        kind = "file"
        path = "out/scores.csv"
        [sinks.crm]
        kind = "sql"
        url = "sqlite:///crm.db"
        table = "deals"
        existing = true
        id = "Deal Id"
        prefix = "ai_"
        batch = 7
        most = 2000
    """
    sheet, crm = configured(text, "sheet"), configured(text)
    assert isinstance(sheet.sink, FileSink)
    assert sheet.most is None
    assert isinstance(crm.sink, SqlSink)
    assert (crm.sink.name, crm.sink.batch, crm.most) == ("crm", 7, 2000)
    assert crm.sink.address == "sqlite:///crm.db#deals"
    assert "ALTER TABLE deals ADD COLUMN ai_score INTEGER" in crm.sink.definitions()


def test_a_password_comes_from_the_environment_or_a_file(configured, monkeypatch, tmp_path):
    text = '[sinks.my-crm]\nkind = "sql"\nurl = "postgresql+psycopg://ada@host/db"'
    assert configured(text, "my-crm").sink._engine.url.password is None
    monkeypatch.setenv("DEALCAST_SINK_MY_CRM_PASSWORD", "s3cret")
    assert configured(text, "my-crm").sink._engine.url.password == "s3cret"
    monkeypatch.delenv("DEALCAST_SINK_MY_CRM_PASSWORD")
    (tmp_path / "password").write_text("from a file\n")
    monkeypatch.setenv("DEALCAST_SINK_MY_CRM_PASSWORD_FILE", str(tmp_path / "password"))
    sink = configured(text, "my-crm").sink
    assert sink._engine.url.password == "from a file"
    assert "from a file" not in sink.address


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("", "--sink", "there is no sink 'crm'"),
        ('[sinks.other]\nkind = "file"\npath = "x.csv"', "--sink", "there is no sink 'crm'"),
        ("sinks = 5", "sinks", "not a section"),
        ("[sinks]\ncrm = 5", "crm", "not a section"),
        ('[sinks.crm]\npath = "x.csv"', "[sinks.crm]", "its kind is not given"),
        ('[sinks.crm]\nkind = "fil"', "[sinks.crm] kind", "no kind of sink called 'fil'"),
        ('[sinks.crm]\nkind = "file"', "[sinks.crm]", "'path' is not given"),
        ('[sinks.crm]\nkind = "file"\npath = 5', "[sinks.crm] path", "5 does not fit"),
        ('[sinks.crm]\nkind = "file"\npath = "x.doc"', "path", "cannot tell the format"),
        ('[sinks.crm]\nkind = "file"\npaht = "x.csv"', "[sinks.crm]", "there is no 'paht'"),
        ('[sinks.crm]\nkind = "file"\npath = "x.csv"\nmost = 0', "[sinks.crm] most", "0 does not fit"),
        ('[sinks.crm]\nkind = "file"\npath = "x.csv"\nmost = true', "[sinks.crm] most", "True does not fit"),
        ('[sinks.crm]\nkind = "sql"\nurl = "sqlite://"\nexisting = 1', "[sinks.crm] existing", "1 does not fit"),
        ('[sinks.crm]\nkind = "sql"\nurl = "sqlite://"\nbatch = true', "[sinks.crm] batch", "True does not fit"),
    ],
)
def test_what_is_off_is_refused(configured, text, where, found):
    with pytest.raises(WrongUse) as refused:
        configured(text)
    assert (refused.value.where, found in refused.value.found) == (where, True)
    assert refused.value.expected or refused.value.remedy
