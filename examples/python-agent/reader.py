"""Prints frames (one in base64 a line of standard input) as JSON; docs/formats.md explains them."""
import base64, json, struct, sys

def crc32c(message):
    crc = 0xFFFFFFFF
    for byte in message:
        crc ^= byte
        for _ in range(8): crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    return crc ^ 0xFFFFFFFF

def unframe(value):
    magic, version, compression, reserved, size, length, crc = struct.unpack_from("<4sBBHIII", value)
    body = value[20:]
    if (magic, version, reserved) != (b"CHRT", 1, 0) or length != len(body) or crc32c(value[:16] + body) != crc:
        raise ValueError("not a frame, or a corrupt one")
    if compression:
        from compression import zstd  # in Python 3.14
        body = zstd.ZstdDecompressor().decompress(body, max_length=size + 1)
    if len(body) != size:
        raise ValueError("the event has another size than its frame says")
    return body

def varint(data, at):
    value = shift = 0
    while True:
        value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
        if data[at - 1] < 128: return value, at

def message(**shape):  # name = (number, reader of the value, or None for an integer)
    def read(data):
        at, found = 0, {}
        while at < len(data):
            key, at = varint(data, at)
            size, at = varint(data, at) if key & 7 in (0, 2) else ({1: 8, 5: 4}[key & 7], at)
            value, at = (size, at) if key & 7 == 0 else (data[at:at + size], at + size)
            for name, (number, reader) in shape.items():
                if number == key >> 3:
                    value = reader(value) if reader else value
                    found[name] = found.get(name, []) + [value] if name in ("attributes", "causes") else value
        return found
    return read

text, blob = bytes.decode, lambda data: base64.b64encode(data).decode()
double, single = lambda data: struct.unpack("<d", data)[0], lambda data: struct.unpack("<f", data)[0]
floats = lambda data: list(struct.unpack(f"<{len(data) // 4}f", data))

def integers(data):
    at, found = 0, []
    while at < len(data): value, at = varint(data, at); found.append(value)
    return found

event = message(thread=(1, text), index=(2, None), time_unix_nano=(3, None), name=(4, text), attributes=(5, message(key=(1, text), value=(2, text))),
    start=(16, message(task=(1, text))), decision=(17, message(number=(1, None), policy=(2, text), width=(3, None), features=(4, floats), chosen=(5, None), log_prob=(6, single))),
    model_call=(18, message(number=(1, None), policy=(2, text), model=(3, text), prompt=(4, integers), response=(5, integers), log_probs=(6, floats))),
    tool_call=(19, message(tool=(1, text), input=(2, blob), output=(3, blob), duration_nano=(4, None))), reward=(20, message(value=(1, double))),
    error=(21, message(**{"class": (1, text)}, message=(2, text), causes=(3, message(**{"class": (1, text)}, message=(2, text))), node=(4, text), duration_nano=(5, None), attempt=(6, None))),
    end=(22, message(events=(1, None), truncated=(2, None))), marker=(23, message(nonce=(1, text), job=(2, text))), final=(24, message(sequences=(1, None))))

for line in sys.stdin: print(json.dumps(event(unframe(base64.b64decode(line)))))
