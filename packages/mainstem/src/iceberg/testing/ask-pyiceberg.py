"""What PyIceberg makes of a table: a JSON request on standard input, a JSON answer on standard output."""
import base64
import datetime
import decimal
import json
import math
import sys
import uuid

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import StaticTable
from pyiceberg.transforms import BucketTransform, IdentityTransform, MonthTransform
from pyiceberg.types import DateType, DecimalType, LongType, NestedField, StringType


def plain(value):
    """A value as JSON that keeps what it is exactly."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"no JSON for {type(value)}")


def scan(table, request):
    options = {}
    if "filter" in request:
        options["row_filter"] = request["filter"]
    if "snapshot" in request:
        options["snapshot_id"] = int(request["snapshot"])
    if "fields" in request:
        options["selected_fields"] = tuple(request["fields"])
    found = table.scan(**options)
    return {"files": len(list(found.plan_files())), "rows": plain(found.to_arrow().to_pylist())}


def describe(table):
    metadata = table.metadata
    return {
        "schema": json.loads(table.schema().model_dump_json()),
        "identifiers": sorted(table.schema().identifier_field_names()),
        "spec": str(table.spec()),
        "sort": str(table.sort_order()),
        "refs": {name: str(ref.snapshot_id) for name, ref in metadata.refs.items()},
        "snapshots": [
            {"id": str(snapshot.snapshot_id), "operation": snapshot.summary.operation.value, "summary": dict(snapshot.summary.additional_properties)}
            for snapshot in metadata.snapshots
        ],
        "manifests": plain(table.inspect.manifests().select(["partition_summaries", "added_data_files_count", "existing_data_files_count", "deleted_data_files_count"]).to_pylist())
        if metadata.current_snapshot_id is not None
        else [],
    }


def read(request):
    table = StaticTable.from_metadata(request["location"])
    return {"table": describe(table), "scans": [scan(table, one) for one in request["scans"]]}


def catalog_of(request):
    return SqlCatalog("test", uri=f"sqlite:///{request['database']}", warehouse=request["warehouse"])


def rows_of(request):
    rows = [
        {"id": one["id"], "day": datetime.date.fromisoformat(one["day"]) if one["day"] else None, "country": one["country"], "amount": decimal.Decimal(one["amount"])}
        for one in request["rows"]
    ]
    fields = [("id", pyarrow.int64()), ("day", pyarrow.date32()), ("country", pyarrow.string()), ("amount", pyarrow.decimal128(9, 2))]
    return pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(fields))


def create(request):
    """A table that PyIceberg makes, partitioned by day and country, with one snapshot for each list of rows."""
    catalog = catalog_of(request)
    catalog.create_namespace_if_not_exists("shop")
    schema = Schema(
        NestedField(1, "id", LongType()), NestedField(2, "day", DateType()), NestedField(3, "country", StringType()), NestedField(4, "amount", DecimalType(9, 2))
    )
    spec = PartitionSpec(
        PartitionField(2, 1000, MonthTransform(), "day_month"),
        PartitionField(3, 1001, IdentityTransform(), "country"),
        PartitionField(1, 1002, BucketTransform(3), "id_bucket"),
    )
    table = catalog.create_table("shop.foreign", schema=schema, location=request["location"], partition_spec=spec)
    for batch in request["batches"]:
        table.append(rows_of({"rows": batch}))
    table.delete(request["delete"])
    return {"location": table.metadata_location}


def append(request):
    """Appends rows with these ids to a table that somebody else made; its other columns are null in them."""
    catalog = catalog_of(request)
    catalog.create_namespace_if_not_exists("other")
    table = catalog.register_table("other.kinds", request["location"])
    required = [pyarrow.field("id", pyarrow.int64(), False), pyarrow.field("revision", pyarrow.int32(), False)]
    schema = pyarrow.schema([*required, pyarrow.field("placedAt", pyarrow.timestamp("us", "UTC"))])
    table.append(pyarrow.Table.from_pylist([{"id": one, "revision": 1, "placedAt": None} for one in request["ids"]], schema=schema))
    return {"location": table.metadata_location}


def main():
    request = json.load(sys.stdin)
    json.dump({"read": read, "create": create, "append": append}[request["do"]](request), sys.stdout)


main()
