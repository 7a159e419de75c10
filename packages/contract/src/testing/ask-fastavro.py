# Answers with what fastavro makes of the cases on its standard input, both as JSON.
import base64
import io
import json
import sys

import fastavro


def names(schema):
    return fastavro.parse_schema(schema)


def write(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue().hex()


def read(data, writer, reader=None):
    source = io.BytesIO(data)
    value = fastavro.schemaless_reader(source, writer, reader, return_named_type=True)
    if source.read(1):
        raise ValueError("bytes are left over")
    return value


def pair(case):
    data = bytes.fromhex(case["hex"])
    writer, reader = names(case["writer"]), names(case["reader"])
    answer = {"same": write(writer, read(data, writer))}
    try:
        answer["resolved"] = write(reader, read(data, writer, reader))
    except Exception as error:
        answer["refused"] = f"{type(error).__name__}: {error}"
    return answer


def container(case):
    file = io.BytesIO(base64.b64decode(case["file"]))
    reader = fastavro.reader(file, return_named_type=True)
    records = list(reader)
    out = io.BytesIO()
    fastavro.writer(out, names(case["schema"]), records, codec=case["codec"], sync_interval=500)
    return {"file": base64.b64encode(out.getvalue()).decode(), "records": len(records)}


kinds = {"pair": pair, "container": container}
json.dump([kinds[case["kind"]](case) for case in json.load(sys.stdin)], sys.stdout)
