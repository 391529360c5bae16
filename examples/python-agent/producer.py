"""Brings events into Kafka: one order for each partition, every event counted,
and a final record for each partition at the end."""
import os
import secrets
import threading
import zlib

from kafka import KafkaProducer

import frames


class Lost(Exception):
    """The policy or the broker was lost: weather, which decides nothing."""


def security():
    """How Kafka lets us in, from the variables that Cohort's programs read."""
    env = lambda name: os.environ.get("COHORT_KAFKA_" + name, "")
    tls = env("TLS") in ("1", "true") or env("CA") != ""
    settings = {"security_protocol": ("SASL_" if env("SASL") else "") + ("SSL" if tls else "PLAINTEXT")}
    if env("CA"):
        settings["ssl_cafile"] = env("CA")
    if env("SASL"):
        password = env("PASSWORD")
        if env("PASSWORD_FILE"):
            with open(env("PASSWORD_FILE")) as file:
                password = file.read().strip()
        settings |= {"sasl_mechanism": env("SASL").upper(), "sasl_plain_username": env("USER"),
                     "sasl_plain_password": password}
    return settings


class Producer:
    """A producer instance on one topic."""

    def __init__(self, brokers, topic, partitions):
        self.topic, self.partitions = topic, partitions
        self.instance = secrets.token_hex(16)  # of this start, as 128 bits
        self.lock = threading.Lock()  # an event's sequence and its place come together
        self.sequences = {}  # of each partition
        # One request at a time keeps the order when one is tried again.
        self.kafka = KafkaProducer(bootstrap_servers=brokers, acks="all", max_in_flight_requests_per_connection=1,
                                   linger_ms=2, **security())

    def send(self, partition, key, value, trace=()):
        with self.lock:
            sequence = self.sequences.get(partition, 0)
            sent = self.kafka.send(self.topic, value, key, frames.headers(trace, self.instance, sequence), partition)
            self.sequences[partition] = sequence + 1
        return sent

    def partition_of(self, thread):
        return zlib.crc32(thread.encode()) % self.partitions

    def close(self):
        for partition, n in sorted(self.sequences.items()):
            self.send(partition, None, frames.frame("", 0, "", frames.final(n)))
        self.kafka.flush(timeout=10)
        self.kafka.close(timeout=5)


class Thread:
    """The events of one attempt."""

    def __init__(self, producer, thread, trace):
        self.producer, self.id, self.trace = producer, thread, trace
        self.partition = producer.partition_of(thread)
        self.sent = []

    def record(self, name, body):
        self.sent.append(self.producer.send(self.partition, self.id.encode(),
                                            frames.frame(self.id, len(self.sent), name, body), self.trace))

    def finish(self):
        """Records the end, waits for every acknowledgement, and is the answer."""
        self.record("end", frames.end(len(self.sent) + 1))
        offset = max(future.get(timeout=8).offset for future in self.sent)
        return {"events": len(self.sent), "acknowledged": [{"partition": self.partition, "offset": offset}]}
