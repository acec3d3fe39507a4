"""Addresses: what of them may be shown, wherever they are shown."""

import pytest
import sqlalchemy as sa

from crm.address import is_address, without_secrets
from crm.sources.connect import connect
from serving.database import Database
from serving.sinks.sql import SqlSettings, SqlSink

SECRET = "s3c:r@e/t?x"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:s3cret@host/db?schema=a&sslkey=x", "postgresql://me@host/db?schema=a"),
        ("postgresql://me:s3c:r@e/t?x@host:5432/db?schema=a", "postgresql://me@host:5432/db?schema=a"),
        ("postgresql://me:@host/db", "postgresql://me@host/db"),
        ("postgresql://host:5432/db?Password=a&schema=b", "postgresql://host:5432/db?schema=b"),
        ("postgresql://host/db?%70assword=a", "postgresql://host/db"),
        ("salesforce://acme.my.salesforce.com", "salesforce://acme.my.salesforce.com"),
        ("hubspot://", "hubspot://"),
        ("sqlite:////srv/a b.db", "sqlite:////srv/a b.db"),
        ("/a/folder:with@signs?key=a", "/a/folder:with@signs?key=a"),
        ("C:\\data", "C:\\data"),
    ],
)
def test_what_is_secret_is_left_out_and_nothing_else(address, shown):
    assert without_secrets(address) == shown
    assert without_secrets(shown) == shown


def test_what_is_an_address():
    assert is_address("hubspot://")
    assert not is_address("/folder")
    assert not is_address("folder://"[:-1])


def test_source_store_and_sink_show_the_same(postgres_url):
    bare = sa.make_url(postgres_url)._replace(username="me", password=None)
    full = bare.set(password=SECRET).update_query_dict({"sslpassword": SECRET, "application_name": "a@b"})
    told = connect(full.render_as_string(hide_password=False), lambda _: None).address
    assert told == bare.update_query_dict({"application_name": "a@b"}).render_as_string(hide_password=False)
    database = Database.__new__(Database)
    database._engine = sa.create_engine(full)
    assert database.address == told
    settings = SqlSettings(full._replace(password=None).render_as_string(hide_password=False))
    assert SqlSink("crm", settings, SECRET).address == f"{told}#dealcast_scores"
