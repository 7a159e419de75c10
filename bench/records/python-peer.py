"""orjson and fastavro over the lines of a file: runs once for each line on standard input, and says how long that took. The writer itself refuses values of wrong types."""

import io
import json
import pathlib
import sys
import time

import fastavro
import orjson

folder = pathlib.Path(sys.argv[1])
rounds = int(sys.argv[2])
lines = (folder / "lines").read_bytes().splitlines()
schema = fastavro.parse_schema(json.loads((folder / "schema").read_text()))

for _ in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    size = 0
    for _ in range(rounds):
        for line in lines:
            record = orjson.loads(line)
            out = io.BytesIO()
            fastavro.schemaless_writer(out, schema, record)
            size += len(out.getvalue())
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "bytes": size}), flush=True)
