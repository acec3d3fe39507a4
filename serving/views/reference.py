"""The reference page of the views, written from their declarations.

``python -m serving.views.reference`` prints the page; with the name of a file it writes it there, as `make docs`
does for ``docs/bi.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from crm.tables_reference import grid, print_or_write
from serving.views.catalogue import views
from serving.views.view import Column, Kind, View

_INTRODUCTION = """\
# Views and files for BI tools

<!-- Written from serving/views/ by `make docs`. Edit those files, not this one. -->

What Dealcast has answered, for Power BI, Tableau, Metabase, a notebook or a spreadsheet: views in its store that any
tool may read, and the same views as files. For whoever builds dashboards.

They are a contract. A view's columns keep their names, types and meaning; new ones come at its end. The tables behind
them are nobody's business but Dealcast's, and change with its versions. Views are made, and brought up to date, when a
command of a version opens the store; in PostgreSQL every view and column carries its meaning as a comment.

**Who may see what.** Whoever can read the views sees every deal, every owner's forecast and every note: no row is kept
from anybody by Dealcast. Where reps must not see each other's deals, the BI tool has to see to it (row-level security
in Power BI, data source filters in Tableau, sandboxing in Metabase), by `owner_id` and what `bi_users` has of them; or
PostgreSQL (views of your own on top, with a `WHERE`). Coaching that a trial withholds is in no view and in no file.

| view | a row is |
|---|---|
{rows}

`bi_open_deals`, `bi_forecast_now` and `bi_users` are what is newest; the others hold every run. Runs are joined by
`run_id`: a date can be answered twice, and `is_last_of_date` of `bi_runs` says which run counts. Filter reasons, moves
and coaching by `run_id` itself, as below: one run's are found by an index, those of all runs are unfolded one by one.

```sql
-- The ten most urgent deals, each with what speaks against it and what could be done.
SELECT name, owner, win_probability, stall_risk, reason_against, next_step
FROM bi_open_deals ORDER BY priority LIMIT 10;

-- Which reasons cost the open deals most, in chances to win.
SELECT reason_group, sum(points) AS points, count(*) AS deals
FROM bi_reasons
WHERE side = 'against' AND run_id = (SELECT run_id FROM bi_runs WHERE kind = 'score' AND is_newest)
GROUP BY reason_group ORDER BY points;

-- How the company's forecast of each period has moved.
SELECT f.period_start, f.as_of, f.p10, f.mean, f.p90, f.mean_change
FROM bi_forecast_history f JOIN bi_runs r ON r.run_id = f.run_id
WHERE f.level = 'company' AND r.is_last_of_date ORDER BY f.period_start, f.as_of;
```

## Connecting

### PostgreSQL

Where the store is in PostgreSQL (`[store] url` in `dealcast.toml`), give the tools a user that may read the views and
nothing else. As the user that Dealcast connects by:

```sql
CREATE ROLE bi_reader LOGIN PASSWORD '…';
GRANT USAGE ON SCHEMA public TO bi_reader;
GRANT SELECT ON
{granted}
TO bi_reader;
```

The tables stay closed to it. Grants outlive new versions of Dealcast; a view that a new version brings has to be
granted once. Instants have no zone in the views and are UTC: leave them as they are, or have them converted by
`as_of AT TIME ZONE 'UTC'`.

* **Power BI:** Get data → PostgreSQL database; server, database, mode Import; the views are listed as tables. Relate
  them by `run_id` and `opportunity_id`; load of `bi_reasons` the newest run alone, not all of it.
* **Tableau:** Connect → PostgreSQL; drag the views in, join them by `run_id` and `opportunity_id`.
* **Metabase:** Admin → Databases → PostgreSQL; the comments become the columns' descriptions.

### Files

```
dealcast export --out bi --home your-home
```

writes each view as a Parquet file, and `export.json` with the rows, columns, runs and SHA-256 of each. Days are dates,
instants are UTC, ids are text. `--view NAME` writes that one alone (again for more), `--since DATE` leaves out what is
older than that day, `--format csv` writes CSV: text that a spreadsheet would take for a formula gets a leading
apostrophe. All files are of one state of the store; each takes the old one's place once it is whole, the manifest last.
The same store gives the same bytes. It is worth a line after `dealcast nightly`.

Measured on two cores with 100,000 open deals and 30 runs in SQLite (20 GB): all of `bi_open_deals` in 2.6 s, its 50
most urgent in 0.2 s; the 3 million rows of `bi_score_history` exported in 79 s, the 28 million of `bi_reasons` in some
40 minutes beside other work, both within 360 MB of memory.

* **DuckDB, pandas, Spark:** `SELECT * FROM 'bi/bi_open_deals.parquet'`.
* **Power BI:** Get data → Parquet (or Folder, for several at once).
* **Tableau:** Connect → to a file → Parquet where your version has it, else the CSV files.

### SQLite

Without other settings the store is a file of the home, `dealcast.db`, and holds the same views. Tools reach it by an
SQLite ODBC driver. SQLite knows neither dates nor flags: days and instants are text (`2026-08-14`,
`2026-08-14 23:59:59.999000`, UTC), flags 1 and 0; a driver may need to be told. Open the file read-only, on the machine
that it lies on: over a network share SQLite's locks do not hold. For anything that others look at every day, files or
PostgreSQL serve better.\
"""


def page(known: Iterable[View] | None = None) -> str:
    """The whole page in Markdown: how to connect, a section a view, then how each type is read."""
    every = sorted(views() if known is None else known, key=lambda view: view.name)
    rows = "\n".join(f"| [{view.name}](#{view.name}) | {view.meaning} |" for view in every)
    granted = ",\n".join(f"  {view.name}" for view in every)
    head = _INTRODUCTION.replace("{rows}", rows).replace("{granted}", granted)
    return "\n\n".join([head, "# The views", *map(_section, every), _types()]) + "\n"


def _section(view: View) -> str:
    identified = f"A row is identified by {', '.join(f'`{name}`' for name in view.key)}."
    since = f" `--since` goes by `{view.dated_by}`." if view.dated_by else " `--since` leaves nothing out."
    head = ["column", "type", "unit", "meaning"]
    return "\n\n".join([f"## {view.name}", view.meaning, identified + since, grid(head, map(_cells, view.columns))])


def _cells(column: Column) -> list[str]:
    return [f"`{column.name}`", column.kind.told, column.unit, column.meaning]


def _types() -> str:
    rows = ([kind.told, f"`{kind.arrow}`", kind.reading] for kind in Kind)
    return "## Types\n\n" + grid(["type", "in Parquet", "how it is read"], rows)


def main(arguments: Sequence[str]) -> None:
    """Print the page, or write it to the file named by the one argument."""
    print_or_write(page(), arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
