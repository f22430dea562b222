"""Rebuilds one table from its topic alone and prints it as `mysql --batch` would print SELECT *.

Nothing of Strait takes part: records are read with Confluent's own client and deserialisers, values are turned back into
MySQL's text by the semantic types in the record's schema, as any consumer of Debezium's topics does.

usage: rebuild.py BOOTSTRAP TOPIC avro REGISTRY_URL | rebuild.py BOOTSTRAP TOPIC json
"""

import base64
import decimal
import json
import sys
from datetime import date, datetime, timedelta

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

PATIENCE_SECONDS = 30
EPOCH = datetime(1970, 1, 1)


def records(bootstrap, topic):
    """Every committed record of the topic, up to the end of each partition."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": "rebuild",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    })
    partitions = consumer.list_topics(topic, PATIENCE_SECONDS).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    ended = set()
    while len(ended) < len(partitions):
        message = consumer.poll(PATIENCE_SECONDS)
        if message is None:
            sys.exit(f"{topic}: nothing came for {PATIENCE_SECONDS} s; ended: {sorted(ended)}")
        if message.error() is None:
            yield message
        elif message.error().code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
        else:
            sys.exit(f"{topic}: {message.error()}")
    consumer.close()


class Avro:
    """Reads with the writer's schema, by the id in each record."""

    def __init__(self, url):
        self.registry = SchemaRegistryClient({"url": url})
        self.read = AvroDeserializer(self.registry)
        self.fields = {}

    def key(self, message):
        context = SerializationContext(message.topic(), MessageField.KEY)
        return tuple(self.read(message.key(), context).values())

    def row(self, message):
        """The row after the change as {column: text}, or None after a delete."""
        envelope = self.read(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
        if envelope["after"] is None:
            return None
        schema_id = int.from_bytes(message.value()[1:5], "big")
        if schema_id not in self.fields:
            self.fields[schema_id] = self.columns(json.loads(self.registry.get_schema(schema_id).schema_str))
        names = self.fields[schema_id]
        return {column: text(value, names[column], {}) for column, value in envelope["after"].items()}

    @staticmethod
    def columns(envelope):
        """Semantic name of each column: `before` defines the row's record, `after` refers to it."""
        before = next(field["type"] for field in envelope["fields"] if field["name"] == "before")
        record = next(branch for branch in before if isinstance(branch, dict))
        names = {}
        for field in record["fields"]:
            branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
            schemas = [branch for branch in branches if isinstance(branch, dict)]
            names[field["name"]] = schemas[0].get("connect.name") if schemas else None
        return names


class Json:
    """Reads Connect's JSON with schema: each record tells its own types."""

    def key(self, message):
        return tuple(json.loads(message.key())["payload"].values())

    def row(self, message):
        record = json.loads(message.value())
        after = record["payload"]["after"]
        if after is None:
            return None
        schema = next(field for field in record["schema"]["fields"] if field["field"] == "after")
        fields = {field["field"]: field for field in schema["fields"]}
        row = {}
        for column, value in after.items():
            field = fields[column]
            if field["type"] == "bytes" and value is not None:
                value = base64.b64decode(value)
            row[column] = text(value, field.get("name"), field.get("parameters", {}))
        return row


def text(value, name, parameters):
    """A Connect value as MySQL prints it."""
    if value is None:
        return "NULL"
    kind = (name or "").rsplit(".", 1)[-1]
    if kind == "Decimal":
        return decimal_text(value, parameters)
    if kind == "Date":
        return str(date(1970, 1, 1) + timedelta(days=value))
    if kind == "Timestamp":
        return (EPOCH + timedelta(milliseconds=value)).isoformat(" ", "milliseconds")
    if kind == "MicroTimestamp":
        return (EPOCH + timedelta(microseconds=value)).isoformat(" ", "microseconds")
    if kind == "ZonedTimestamp":
        return value.replace("T", " ").rstrip("Z")
    if kind == "MicroTime":
        seconds, micros = divmod(abs(value), 1_000_000)
        sign = "-" if value < 0 else ""
        return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micros:06}"
    if kind == "Json":
        return escape(json.dumps(json.loads(value), ensure_ascii=False))
    if isinstance(value, bytes):
        return escape(value.decode())
    return escape(str(value))


def decimal_text(value, parameters):
    if isinstance(value, bytes):
        unscaled = int.from_bytes(value, "big", signed=True)
        value = decimal.Decimal(unscaled).scaleb(-int(parameters["scale"]))
    return f"{value:f}"


def escape(value):
    for character, escaped in (("\\", "\\\\"), ("\0", "\\0"), ("\n", "\\n"), ("\t", "\\t")):
        value = value.replace(character, escaped)
    return value


def main():
    bootstrap, topic, form = sys.argv[1:4]
    reader = Avro(sys.argv[4]) if form == "avro" else Json()
    table = {}
    for message in records(bootstrap, topic):
        key = reader.key(message)
        row = None if message.value() is None else reader.row(message)
        if row is None:
            table.pop(key, None)
        else:
            table[key] = row
    for key in sorted(table):
        print("\t".join(table[key].values()))


main()
