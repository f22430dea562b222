"""Judges every value in the topics against what Debezium documents for it.

Nothing of Strait takes part: the values that are expected are made here, by Debezium's documentation, from what the source's own
SELECT showed; the records are read by Confluent's deserialiser and by fastavro (or as JSON with its schema).

usage: judge.py EXPECTED BOOTSTRAP [REGISTRY_URL]
"""

import base64
import decimal
import json
import math
import struct
import sys
from fractions import Fraction

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

decimal.getcontext().prec = 100
PATIENCE_SECONDS = 60
SHOWN = 30
# Python's own dates begin with the year 1: numbers are to stay numbers.
for reader in ("int-date", "int-time-millis", "long-timestamp-millis"):
    fastavro.read.LOGICAL_READERS.pop(reader, None)

AVRO = {
    "INT16": "int", "INT32": "int", "INT64": "long", "FLOAT32": "float", "FLOAT64": "double", "BOOLEAN": "boolean",
    "BYTES": "bytes", "STRING": "string", "ARRAY": "array", "STRUCT": "record",
}
JSON = {
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FLOAT32": "float", "FLOAT64": "double", "BOOLEAN": "boolean",
    "BYTES": "bytes", "STRING": "string", "ARRAY": "array", "STRUCT": "struct",
}
LOGICAL = {
    "org.apache.kafka.connect.data.Decimal": "decimal", "org.apache.kafka.connect.data.Date": "date",
    "org.apache.kafka.connect.data.Time": "time-millis", "org.apache.kafka.connect.data.Timestamp": "timestamp-millis",
}


def messages(bootstrap, topics):
    """Every committed record of the topics."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "judge", "enable.auto.commit": False, "enable.partition.eof": True,
        "isolation.level": "read_committed",
    })
    partitions = []
    for topic in topics:
        known = consumer.list_topics(topic, PATIENCE_SECONDS).topics[topic].partitions
        partitions += [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known]
    consumer.assign(partitions)
    ended = 0
    while ended < len(partitions):
        message = consumer.poll(PATIENCE_SECONDS)
        if message is None:
            sys.exit(f"nothing came for {PATIENCE_SECONDS} s; {ended} of {len(partitions)} partitions ended")
        if message.error() is None:
            yield message
        elif message.error().code() == KafkaError._PARTITION_EOF:
            ended += 1
        else:
            sys.exit(str(message.error()))
    consumer.close()


# What a value's record tells, whatever its form.


class Field:
    """One column of a row's schema: type, semantic name, parameters, the column's own name."""

    def __init__(self, type_, semantic, parameters, logical, small):
        self.type, self.semantic, self.parameters, self.logical, self.small = type_, semantic, parameters, logical, small


class Avro:
    def __init__(self, url):
        self.registry = SchemaRegistryClient({"url": url})
        self.confluent = AvroDeserializer(self.registry)
        self.schemas = {}

    def read(self, message):
        """Envelope and fields; both readers must say the same."""
        value = message.value()
        schema_id = int.from_bytes(value[1:5], "big")
        if schema_id not in self.schemas:
            schema = json.loads(self.registry.get_schema(schema_id).schema_str)
            self.schemas[schema_id] = fastavro.parse_schema(schema), self.fields(schema)
        parsed, fields = self.schemas[schema_id]
        import io
        mine = fastavro.schemaless_reader(io.BytesIO(value[5:]), parsed)
        theirs = self.confluent(value, SerializationContext(message.topic(), MessageField.VALUE))
        if repr(mine) != repr(theirs):
            sys.exit(f"two readers disagree: {mine} and {theirs}")
        named = lambda image: image and {fields[name][0]: value for name, value in image.items()}
        return mine["op"], named(mine["before"]), named(mine["after"]), dict(fields.values())

    @staticmethod
    def fields(envelope):
        before = next(field["type"] for field in envelope["fields"] if field["name"] == "before")
        record = next(branch for branch in before if isinstance(branch, dict))
        fields, known = {}, {}
        for field in record["fields"]:
            type_ = field["type"]
            if isinstance(type_, list):
                type_ = next(branch for branch in type_ if branch != "null")
            if isinstance(type_, str):
                type_ = known.get(type_, {"type": type_})
            if type_["type"] == "record":
                known[f'{type_.get("namespace", "")}.{type_["name"]}'] = type_
            parameters = {**type_.get("connect.parameters", {}), **field.get("connect.parameters", {})}
            name = parameters.get("__debezium.source.column.name", field["name"])
            fields[field["name"]] = name, Field(
                type_["type"], type_.get("connect.name"), parameters, type_.get("logicalType"), type_.get("connect.type"))
        return fields


class Json:
    def read(self, message):
        record = json.loads(message.value())
        payload = record["payload"]
        schema = next(field for field in record["schema"]["fields"] if field["field"] == "after")
        fields = {
            field["field"]: Field(field["type"], field.get("name"), field.get("parameters", {}), None, None)
            for field in schema["fields"]
        }
        row = lambda image: image and {name: self.value(value, fields[name]) for name, value in image.items()}
        return payload["op"], row(payload["before"]), row(payload["after"]), fields

    @staticmethod
    def value(value, field):
        if value is None:
            return None
        if field.type == "bytes":
            value = base64.b64decode(value)
            if field.semantic in LOGICAL:
                unscaled = int.from_bytes(value, "big", signed=True)
                return decimal.Decimal(unscaled).scaleb(-int(field.parameters["scale"]))
        if field.type == "struct":
            value = {**value, "wkb": base64.b64decode(value["wkb"])}
        if field.type in ("float", "double"):
            value = float(value)
        if field.type == "float":
            value = struct.unpack("f", struct.pack("f", value))[0]
        if field.type == "array":
            value = [struct.unpack("f", struct.pack("f", float(item)))[0] for item in value]
        return value


# What Debezium documents, made from what SELECT showed.


def days(year, month, day):
    """Days since 1970 of the proleptic Gregorian calendar; None for a date that is none."""
    lengths = [31, 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        return None
    before = 365 * year + (year + 3) // 4 - (year + 99) // 100 + (year + 399) // 400
    return before + sum(lengths[: month - 1]) + day - 1 - 719528


def micros_of_clock(clock):
    negative = clock.startswith("-")
    hours, minutes, seconds = clock.lstrip("-").split(":")
    micros = (int(hours) * 3600 + int(minutes) * 60) * 1_000_000 + int(Fraction(seconds) * 1_000_000)
    return -micros if negative else micros


def iso_clock(micros):
    seconds, fraction = divmod(micros, 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{fraction:06}".rstrip("0") if fraction else "")


def absent(column, epoch):
    """A date that is none: null, or the epoch where there is no null."""
    return None if column["nullable"] else epoch


def of_date(column, shown, modes):
    iso = modes["time"] == "isostring"
    count = days(*map(int, shown.split("-")))
    if count is None:
        return absent(column, "1970-01-01Z" if iso else 0)
    return f"{shown}Z" if iso else count


def of_time(column, shown, modes):
    micros = micros_of_clock(shown)
    mode = modes["time"]
    if mode == "adaptive_time_microseconds":
        return micros
    inside = 0 <= micros < 86_400_000_000
    if mode == "isostring":
        return iso_clock(micros) + "Z" if inside else absent(column, "00:00:00Z")
    if not inside:
        return absent(column, 0)
    return {"connect": micros // 1000, "microseconds": micros, "nanoseconds": micros * 1000}[mode]


def of_datetime(column, shown, modes):
    date, clock = shown.split(" ")
    count = days(*map(int, date.split("-")))
    mode = modes["time"]
    if mode == "isostring":
        return absent(column, "1970-01-01T00:00:00Z") if count is None else f"{date}T{iso_clock(micros_of_clock(clock))}Z"
    if count is None:
        return absent(column, 0)
    micros = count * 86_400_000_000 + micros_of_clock(clock)
    if mode == "nanoseconds":
        nanos = micros * 1000
        return nanos if -(2**63) <= nanos < 2**63 else absent(column, 0)
    if mode == "connect" or mode == "adaptive_time_microseconds" and column["fsp"] <= 3:
        return micros // 1000
    return micros


def of_timestamp(column, shown, modes):
    if shown.startswith("0000"):
        return absent(column, "1970-01-01T00:00:00Z")
    return shown.replace(" ", "T") + "Z"


def of_big(column, shown, modes):
    number = int(shown)
    if column["connect"] == "BYTES":
        return decimal.Decimal(number)
    return number - 2**64 if number >= 2**63 else number


def of_decimal(column, shown, modes):
    return {"precise": decimal.Decimal, "double": float, "string": str}[modes["decimal"]](shown)


def of_bit(column, shown, modes):
    if column["bits"] == 1:
        return shown == "1"
    return int(shown).to_bytes((column["bits"] + 7) // 8, "little")


def of_binary(column, shown, modes):
    value = bytes.fromhex(shown)
    return {
        "bytes": lambda: value,
        "base64": lambda: base64.b64encode(value).decode(),
        "base64-url-safe": lambda: base64.urlsafe_b64encode(value).decode(),
        "hex": value.hex,
    }[modes["binary"]]()


def of_point(column, shown, modes):
    value = bytes.fromhex(shown)
    x, y = struct.unpack("<dd", value[9:25])
    return {"x": x, "y": y, "wkb": value[4:], "srid": int.from_bytes(value[:4], "little") or None}


def of_geometry(column, shown, modes):
    value = bytes.fromhex(shown)
    return {"wkb": value[4:], "srid": int.from_bytes(value[:4], "little") or None}


def of_vector(column, shown, modes):
    value = bytes.fromhex(shown)
    return list(struct.unpack(f"<{len(value) // 4}f", value))


def text(shown):
    return bytes.fromhex(shown).decode()


def of_set(column, shown, modes):
    labels = column["parameters"]["allowed"].split(",")
    return ",".join(label for bit, label in enumerate(labels) if int(shown) >> bit & 1)


DOCUMENTED = {
    "integer": lambda column, shown, modes: int(shown),
    "big": of_big,
    "float": lambda column, shown, modes: float(shown),
    "decimal": of_decimal,
    "bit": of_bit,
    "date": of_date,
    "time": of_time,
    "datetime": of_datetime,
    "timestamp": of_timestamp,
    "binary": of_binary,
    "enum": lambda column, shown, modes: text(shown).replace(",", "\\,"),
    "set": of_set,
    "json": lambda column, shown, modes: text(shown),
    "point": of_point,
    "geometry": of_geometry,
    "vector": of_vector,
}


def same(found, documented):
    if isinstance(documented, float) and isinstance(found, float):
        return found == documented and math.copysign(1, found) == math.copysign(1, documented)
    if isinstance(documented, decimal.Decimal) and isinstance(found, decimal.Decimal):
        return found.as_tuple().exponent == documented.as_tuple().exponent and found == documented
    return type(found) is type(documented) and repr(found) == repr(documented)


class Judge:
    def __init__(self, expected):
        self.expected, self.wrong, self.values = expected, [], 0
        self.modes = expected["modes"]
        self.seen = set()

    def blame(self, words):
        self.wrong.append(words)

    def schema(self, table, column, fields):
        """Once a column: its type in the schema."""
        field = fields.get(column["name"])
        place = f'{table["name"]}.{column["name"]} {column["definition"]}'
        if field is None:
            return self.blame(f"{place}: not in the schema: {list(fields)}")
        avro = self.expected["format"] == "avro"
        wanted = (AVRO if avro else JSON)[column["connect"]]
        if field.type != wanted or field.semantic != column["semantic"]:
            self.blame(f'{place}: {field.type} {field.semantic}, documented {wanted} {column["semantic"]}')
        for name, value in column["parameters"].items():
            if field.parameters.get(name) != value:
                self.blame(f"{place}: parameter {name} is {field.parameters.get(name)!r}, documented {value!r}")
        if avro and field.logical != LOGICAL.get(column["semantic"]):
            self.blame(f"{place}: logical type {field.logical}")
        if avro and column["connect"] == "INT16" and field.small != "int16":
            self.blame(f"{place}: connect.type {field.small}")

    def image(self, table, state, image, fields, exact, side):
        shown = table["states"][state][str(image["id"])]
        for column, shown in zip(table["columns"], shown):
            place = f'{table["name"]}.{column["name"]} {column["definition"]} row {image["id"]} {side}'
            if (table["name"], column["name"]) not in self.seen:
                self.seen.add((table["name"], column["name"]))
                self.schema(table, column, fields)
            self.values += 1
            found = image.get(column["name"])
            if shown is None:
                if found is not None:
                    self.blame(f"{place}: {found!r}, not null")
            elif column["kind"] == "text":
                told, _, shown = shown.partition(":")
                header = (side, column["name"]) in exact
                try:
                    shown = text(shown)
                except UnicodeDecodeError:
                    # MariaDB takes half of a surrogate pair for a character.
                    told = "0"
                # What the server itself cannot convert there and back has no documented form but that of a string.
                if told == "1" and found != shown and not (header and isinstance(found, str)):
                    self.blame(f"{place}: {found!r}, documented {shown!r}")
                if told == "0" and not header:
                    self.blame(f"{place}: {found!r} is not what the source has, and nothing tells it exactly")
            elif column["kind"] == "address":
                # Documented nowhere: bytes, as many as the type has.
                if not isinstance(found, bytes) or len(found) not in (4, 16):
                    self.blame(f"{place}: {found!r}")
            else:
                documented = DOCUMENTED[column["kind"]](column, shown, self.modes)
                if not same(found, documented):
                    self.blame(f"{place}: {str(found)[:200]!r}, documented {str(documented)[:200]!r}")


def exact_columns(headers):
    """(side, column) of the values in the header strait.exact."""
    header = dict(headers or []).get("strait.exact")
    found, at = set(), 1
    while header and at < len(header):
        side = "after" if header[at] else "before"
        length = int.from_bytes(header[at + 2 : at + 4], "big")
        name = header[at + 4 : at + 4 + length].decode()
        at += 4 + length
        at += 4 + int.from_bytes(header[at : at + 4], "big")
        found.add((side, name))
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        expected = json.load(file)
    reader = Avro(sys.argv[3]) if expected["format"] == "avro" else Json()
    judge = Judge(expected)
    tables = {table["topic"]: table for table in expected["tables"]}
    ops = {"c": 0, "u": 0, "d": 0}
    for message in messages(sys.argv[2], list(tables)):
        if message.value() is None:
            continue
        table = tables[message.topic()]
        op, before, after, fields = reader.read(message)
        ops[op] += 1
        exact = exact_columns(message.headers())
        if before is not None:
            judge.image(table, 0 if op == "u" else 1, before, fields, exact, "before")
        if after is not None:
            judge.image(table, 1 if op == "u" else 0, after, fields, exact, "after")
    rows = sum(len(table["states"][0]) for table in expected["tables"])
    # An update to the same bytes is none; two rows may look alike and differ in bytes that are no text.
    changed = sum(
        row != table["states"][1][key] for table in expected["tables"] for key, row in table["states"][0].items())
    if ops["c"] != rows or ops["d"] != rows or not changed <= ops["u"] <= rows:
        judge.blame(f"{ops}, but {rows} rows were inserted and deleted, {changed} or some more updated")
    for words in judge.wrong[:SHOWN]:
        print(words)
    if judge.wrong:
        sys.exit(f"{len(judge.wrong)} of {judge.values} values are not as documented")
    print(f"{judge.values} values in {sum(ops.values())} records are as documented")


main()
