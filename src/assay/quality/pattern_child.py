"""Script of a child process: matches values against one pattern, however long that takes."""

from __future__ import annotations

import json
import os
import pickle
import re
import struct
import sys

_HEADER = struct.Struct("<Q")


def main() -> None:
    """Read lists of values, answer with the positions of those that do not match wholly."""
    (pattern,) = json.loads(sys.argv[1])
    matches = re.compile(pattern).fullmatch
    source, target = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    while header := source.read(_HEADER.size):
        values = pickle.loads(source.read(_HEADER.unpack(header)[0]))
        wrong = [place for place, value in enumerate(values) if not matches(value)]
        data = pickle.dumps(wrong)
        target.write(_HEADER.pack(len(data)) + data)
        target.flush()


if __name__ == "__main__":
    main()
