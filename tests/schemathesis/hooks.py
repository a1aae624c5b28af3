"""What the schema fuzzer does not know by itself: lines of NDJSON, and keeping a tally of what was answered."""

import json
import os
import re

import schemathesis

OFFSET = re.compile(r'"offset":"(\d+:\d+)"')
TALLY = open(os.environ["JIFEN_TALLY"], "a", encoding="utf-8")


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    """A text is sent as it is; anything else stands on a line of its own."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else json.dumps(value).encode() + b"\n"


@schemathesis.hook
def after_call(_context, case, response):
    """Notes what was answered, and which entries it told of."""
    told = {
        "operation": case.operation.label,
        "status": response.status_code,
        "seconds": response.elapsed,
        "offsets": OFFSET.findall(response.content.decode("utf-8", "replace")),
    }
    TALLY.write(json.dumps(told) + "\n")
    TALLY.flush()
