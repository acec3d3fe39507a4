"""The sink "file": answers in one CSV or Parquet file, a row a deal, written whole or not at all; tasks in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd

from crm.errors import DealcastError
from serving.sinks import tasks
from serving.sinks.files import check_target, unguarded, write_table
from serving.sinks.kinds import SinkKind
from serving.sinks.sink import Fate, Kind, Outcome, OwnField, Value, Values
from serving.writeback.fields import DECIMALS, FIELDS

ID = "opportunity_id"
MEANINGS = {ID: "the deal", tasks.KEY: "what tells the task apart"}


@dataclass(frozen=True)
class FileSettings:
    """What [sinks.NAME] says of a file.

    :param path: a .csv or .parquet file; it is ours alone, and made with the first write.
    """

    path: str

    def __post_init__(self) -> None:
        check_target(Path(self.path), "path")


@dataclass(frozen=True)
class FileSink:
    """One file. A record of which it knows nothing has no row.

    :param fields: its columns, behind the records' `key`.
    """

    name: str
    path: Path
    fields: tuple[OwnField, ...] = FIELDS
    key: str = ID
    batch: int = 10_000_000

    @property
    def address(self) -> str:
        """Where the file lies."""
        return self.path.resolve().as_uri()

    def definitions(self) -> str:
        """The file's columns; it needs nothing to be created."""
        lines = [f"{self.key}: {MEANINGS[self.key]}"]
        lines += [f"{field.name} ({field.kind}): {field.meaning}" for field in self.fields]
        return "\n".join([f"{self.path} is made with the first write, with these columns:", "", *lines])

    def read(self, ids: Sequence[str]) -> Mapping[str, Values]:
        """What the file says of these records."""
        known = self._rows()
        return {one: known.get(one, self._nothing) for one in ids}

    def write(self, rows: Mapping[str, Values]) -> Sequence[Outcome]:
        """Put a new file in the old one's place."""
        known = self._rows()
        for one, values in rows.items():
            known[one] = {**known.get(one, self._nothing), **values}
        said = {one: values for one, values in sorted(known.items()) if any(v is not None for v in values.values())}
        write_table(self._frame(said), self.path)
        return [Outcome(one, Fate.WRITTEN) for one in rows]

    def tasks(self) -> TaskFile:
        """The file of tasks beside it: answers.csv → answers_tasks.csv."""
        return TaskFile(self.name, self.path.with_stem(f"{self.path.stem}_tasks"), tasks.FIELDS, tasks.KEY)

    @property
    def _nothing(self) -> Values:
        return {field.name: None for field in self.fields}

    def _rows(self) -> dict[str, Values]:
        if not self.path.is_file():
            return {}
        columns = [self.key, *(field.name for field in self.fields)]
        try:
            frame = self._table()
        except (OSError, ValueError) as error:
            raise DealcastError(f"cannot be read: {error}", where=str(self.path), remedy="move it away") from error
        if self.key not in frame or not set(frame.columns) <= set(columns) or frame[self.key].duplicated().any():
            raise DealcastError(
                "holds something else than this version's answers",
                where=str(self.path),
                expected=f"a row a record, with columns of these alone: {', '.join(columns)}",
                remedy="move it away, or name another file",
            )
        plain = frame.reindex(columns=columns).astype(object)
        rows = plain.where(plain.notna(), None).set_index(plain[self.key].astype(str))[columns[1:]]
        return cast(dict[str, Values], rows.to_dict("index"))

    def _table(self) -> pd.DataFrame:
        if self.path.suffix == ".parquet":
            return pd.read_parquet(self.path)
        table = pd.read_csv(self.path, dtype=str, keep_default_na=False)
        return unguarded(table).replace("", None)

    def _frame(self, rows: Mapping[str, Values]) -> pd.DataFrame:
        columns: dict[str, pd.Series] = {self.key: pd.Series(list(rows), dtype="str")}
        for field in self.fields:
            values: list[Value] = [row[field.name] for row in rows.values()]
            kind = "Int64" if field.kind is Kind.NUMBER else "Float64" if field.kind in DECIMALS else "str"
            columns[field.name] = pd.Series(values, dtype=kind)
        return pd.DataFrame(columns)


class TaskFile(FileSink):
    """A file of tasks; of deals it knows nothing."""

    def deals(self, ids: Sequence[str]) -> Mapping[str, tasks.DealNow]:
        """All of them, for all that is known here."""
        return dict.fromkeys(ids, tasks.NOT_KNOWN)


KIND = SinkKind(FileSettings, lambda name, settings, secrets: FileSink(name, Path(settings.path)))
