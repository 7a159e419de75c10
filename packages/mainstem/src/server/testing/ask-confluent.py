"""Registers, writes and reads through confluent-kafka's own clients. JSON in: {url, topic, values, messages, other, far}; JSON out."""

import base64
import json
import sys

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

asked = json.load(sys.stdin)
client = SchemaRegistryClient({"url": asked["url"]})
context = SerializationContext(asked["topic"], MessageField.VALUE)

latest = client.get_latest_version(asked["topic"] + "-value")
write = AvroSerializer(client, latest.schema.schema_str, conf={"auto.register.schemas": False, "use.latest.version": True})
read = AvroDeserializer(client)

other = asked["other"]
address = json.dumps(other["address"])
client.register_schema("python.address", Schema(address, "AVRO"))
reference = SchemaReference("python.Address", "python.address", 1)
person = Schema(json.dumps(other["person"]), "AVRO", [reference])
person_id = client.register_schema("python.person-value", person)
again = client.register_schema("python.person-value", person)
found = client.lookup_schema("python.person-value", person)
write_other = AvroSerializer(client, person, conf={"auto.register.schemas": True})
other_context = SerializationContext("python.person", MessageField.VALUE)
other_bytes = write_other(other["value"], other_context)

# A record of before there was the field, whose default is beyond 2^53.
near, far = (Schema(text, "AVRO") for text in asked["far"])
far_context = SerializationContext("python.far", MessageField.VALUE)
near_bytes = AvroSerializer(client, near)({"id": "a"}, far_context)
far_schema = client.get_schema(client.register_schema("python.far-value", far))
filled = AvroDeserializer(client, far_schema)(near_bytes, far_context)


def code_of(work):
    try:
        work()
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]
    return None


result = {
    "latest": {"id": latest.schema_id, "version": latest.version},
    "written": [base64.b64encode(write(value, context)).decode() for value in asked["values"]],
    "read": [read(base64.b64decode(message), context) for message in asked["messages"]],
    "ids": [person_id, again, found.schema_id],
    "far": [far_schema.schema_str, str(filled["at"])],
    "other": read(other_bytes, other_context),
    "subjects": client.get_subjects(),
    "compatible": client.test_compatibility("python.person-value", Schema(json.dumps("string"), "AVRO")),
    "level": client.set_compatibility("python.person-value", "FULL") and client.get_compatibility("python.person-value"),
    "errors": [
        code_of(lambda: client.get_latest_version("none")),
        code_of(lambda: client.get_schema(99999)),
        code_of(lambda: client.register_schema(asked["topic"] + "-value", Schema(json.dumps("string"), "AVRO"))),
    ],
    "deleted": [client.delete_subject("python.person-value"), client.delete_subject("python.person-value", permanent=True)],
}
json.dump(result, sys.stdout)
