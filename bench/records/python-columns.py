"""fastavro over a container file, and its records as a table of pyarrow: runs once for each line on standard input, and says how long that took."""

import io
import json
import pathlib
import sys
import time

import fastavro
import pyarrow

folder = pathlib.Path(sys.argv[1])
rounds = int(sys.argv[2])
container = (folder / "container").read_bytes()

AVRO = {
    "boolean": pyarrow.bool_(),
    "int": pyarrow.int32(),
    "long": pyarrow.int64(),
    "float": pyarrow.float32(),
    "double": pyarrow.float64(),
    "string": pyarrow.string(),
    "enum": pyarrow.string(),
}


def arrow(schema):
    """The type of an Avro schema, so that pyarrow has nothing to guess."""
    if isinstance(schema, list):
        return arrow(next(branch for branch in schema if branch not in ("null", {"type": "null"})))
    if isinstance(schema, str):
        return AVRO[schema]
    if schema.get("logicalType") == "timestamp-micros":
        return pyarrow.timestamp("us", tz="UTC")
    kind = schema["type"]
    if kind == "record":
        return pyarrow.struct([(field["name"], arrow(field["type"])) for field in schema["fields"]])
    if kind == "array":
        return pyarrow.list_(arrow(schema["items"]))
    if kind == "map":
        return pyarrow.map_(pyarrow.string(), arrow(schema["values"]))
    return arrow(kind) if isinstance(kind, (dict, list)) else AVRO[kind]


fields = json.loads((folder / "schema").read_text())["fields"]
schema = pyarrow.schema([(field["name"], arrow(field["type"])) for field in fields])
has_maps = any(pyarrow.types.is_map(field.type) for field in schema)

for _ in sys.stdin:
    cpu, wall = time.process_time(), time.perf_counter()
    size = 0
    for _ in range(rounds):
        records = list(fastavro.reader(io.BytesIO(container)))
        if has_maps:
            for record in records:
                for field in schema:
                    if pyarrow.types.is_map(field.type):
                        record[field.name] = list(record[field.name].items())
        size += pyarrow.Table.from_pylist(records, schema=schema).nbytes
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "bytes": size}), flush=True)
