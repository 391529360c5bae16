"""Events as messages of Kafka: protobuf in a frame, with the headers that count
them. docs/formats.md has it byte by byte; only the standard library is used."""
import struct
import time


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def integer(number, value): return varint(number << 3) + varint(value) if value else b""
def double(number, value): return varint(number << 3 | 1) + struct.pack("<d", value) if value else b""
def single(number, value): return varint(number << 3 | 5) + struct.pack("<f", value) if value else b""


def data(number, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def text(number, value): return data(number, value) if value else b""


# Bodies: the numbers are those of telemetry/proto/event.proto.
def start(task): return data(16, text(1, task))
def reward(value): return data(20, double(1, value))
def end(events, truncated=False): return data(22, integer(1, events) + integer(2, int(truncated)))
def final(sequences): return data(24, integer(1, sequences))


def decision(number, policy, width, features, chosen, log_prob):
    return data(17, integer(1, number) + text(2, policy) + integer(3, width)
                + data(4, struct.pack(f"<{len(features)}f", *features)) + integer(5, chosen) + single(6, log_prob))


def error(failure, duration_nano):
    """The error with all its causes."""
    chain, cause = [], failure.__cause__ or failure.__context__
    while cause is not None and len(chain) < 16:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    causes = b"".join(data(3, text(1, type(c).__name__) + text(2, str(c)[:1000])) for c in chain)
    return data(21, text(1, type(failure).__name__) + text(2, str(failure)[:1000]) + causes
                + integer(5, duration_nano))


TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ 0x82F63B78 * (byte & 1)
    TABLE.append(byte)


def crc32c(message):
    crc = 0xFFFFFFFF
    for byte in message:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def frame(thread, index, name, body):
    event = text(1, thread) + integer(2, index) + integer(3, time.time_ns()) + text(4, name) + body
    head = struct.pack("<4sBBHII", b"CHRT", 1, 0, 0, len(event), len(event))
    return head + struct.pack("<I", crc32c(head + event)) + event


def headers(trace, producer, sequence):
    return [(name, value.encode()) for name, value in trace] + [
        ("schema", b"cohort.telemetry.v1.Event"), ("producer", producer.encode()),
        ("sequence", str(sequence).encode()), ("content-type", b"application/vnd.cohort.frame")]
