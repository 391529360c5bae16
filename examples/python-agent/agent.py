"""The countdown agent of examples/countdown in Python: the same answers, the
same events, the same checkpoints. docs/agents.md is the contract that it keeps.

    pip install -r requirements.txt
    python agent.py 8090
"""
import http.client
import json
import signal
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kafka.errors import KafkaError

import countdown
import frames
from producer import Lost, Producer, Thread

producers, lock = {}, threading.Lock()


def producer(to):
    with lock:  # one for all attempts of a topic: connections are dear
        if to["topic"] not in producers:
            producers[to["topic"]] = Producer(to["brokers"], to["topic"], to["partitions"])
        return producers[to["topic"]]


class Policy:
    """The policy of one request, over one connection."""

    def __init__(self, request):
        url = urllib.parse.urlsplit(request["policy"]["url"])
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self.connection = kind(url.hostname, url.port, timeout=request["deadline_ms"] / 1000)
        self.path, self.request = url.path + "/decide", request
        self.headers = {"Content-Type": "application/json"}
        if "token" in request["policy"]:
            self.headers["Authorization"] = "Bearer " + request["policy"]["token"]

    def decide(self, number, rows):
        body = {"seed": self.request["seed"], "greedy": self.request["greedy"],
                "decisions": [{"number": number, "features": rows}]}
        try:
            self.connection.request("POST", self.path, json.dumps(body), self.headers)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Lost(f"ask policy: {error}") from error
        if response.status in (404, 502, 503, 504):
            raise Lost(f"ask policy: status {response.status}")
        if response.status != 200:
            raise RuntimeError(f"ask policy: status {response.status}")
        answer = json.loads(content)
        return answer["digest"], answer["decisions"][0]["chosen"], answer["decisions"][0]["log_prob"]


def attempt(request, trace):
    """Plays one rollout, records it and answers."""
    numbers, target = countdown.check(request["task"])
    deadline = time.monotonic() + request["deadline_ms"] / 1000
    try:
        thread = Thread(producer(request["traces"]), request["thread"], trace)
        thread.record("start", frames.start(f"{' '.join(map(str, numbers))} = {target}"))
        began, policy, failure = time.monotonic_ns(), Policy(request), None

        def choose(number, rows):
            if time.monotonic() > deadline:
                raise TimeoutError("the attempt's time is over")
            digest, chosen, log_prob = policy.decide(number, rows)
            thread.record("move", frames.decision(number, digest, countdown.WIDTH, sum(rows, []), chosen, log_prob))
            return chosen

        try:
            thread.record("reward", frames.reward(float(countdown.play(numbers, target, choose))))
        except Exception as error:
            failure = error
            thread.record("error", frames.error(error, time.monotonic_ns() - began))
        finally:
            policy.connection.close()
        answer = thread.finish()  # an end follows whatever happened
    except KafkaError as error:
        raise Lost(str(error)) from error
    if isinstance(failure, Lost):
        raise failure
    if failure is not None:
        kind = "timed_out" if isinstance(failure, TimeoutError) else type(failure).__name__
        answer["error"] = {"class": kind, "message": str(failure)[:1000]}
    return answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep connections
    disable_nagle_algorithm = True

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.answer(200 if self.path == "/healthz" else 404, {})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if request.get("format") != "cohort.rollout/1":
            return self.answer(400, {"error": {"class": "invalid request", "message": "unknown format"}})
        trace = [(name, self.headers[name]) for name in ("traceparent", "tracestate", "baggage") if self.headers[name]]
        try:
            self.answer(200, attempt(request, trace))
        except Lost as error:
            self.answer(503, {"error": {"class": "unavailable", "message": str(error)}})
        except Exception as error:
            self.answer(200, {"error": {"class": type(error).__name__, "message": str(error)[:1000]}})

    def log_message(self, *_): pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print("listening on", server.server_address[1], flush=True)
    server.serve_forever(poll_interval=0.1)
    for each in producers.values():  # final records: nothing of ours is missing
        each.close()


if __name__ == "__main__":
    main()
