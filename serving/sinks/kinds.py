"""The kinds of sinks: a file of this folder that declares a KIND is one, under the file's name."""

from __future__ import annotations

import serving.sinks
from serving.kinds import Kind, Kinds
from serving.sinks.sink import Sink

SinkKind = Kind[Sink]
SINKS: Kinds[Sink] = Kinds(serving.sinks, "sink")
kind_called = SINKS.called
