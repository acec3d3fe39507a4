"""The kinds of channels: a file of this folder that declares a KIND is one, under the file's name."""

from __future__ import annotations

import serving.channels
from serving.channels.channel import Channel
from serving.kinds import Kind, Kinds

ChannelKind = Kind[Channel]
CHANNELS: Kinds[Channel] = Kinds(serving.channels, "channel")
