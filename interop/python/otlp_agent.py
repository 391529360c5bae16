"""A calculator agent that knows nothing of Cohort. OpenAI's client is traced by a
stock instrumentation, spans leave through OpenTelemetry's SDK and exporter, and
where to is said by OTEL_EXPORTER_OTLP_ENDPOINT alone.

    python otlp_agent.py MODEL_URL THREADS

It prints how many threads it did, as JSON."""

import json
import sys

from openai import OpenAI
from openinference.instrumentation import using_session
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

TOOL = {"type": "function", "function": {"name": "calculator", "parameters": {
    "type": "object", "properties": {"expression": {"type": "string"}}}}}


def play(client, tracer, number):
    """Does one thread: a question, a tool call, an answer, a reward."""
    a, b = number + 2, 3
    question = f"What is {a} times {b}?"
    with using_session(f"thread-{number}"), tracer.start_as_current_span(
            "agent", attributes={"openinference.span.kind": "AGENT", "session.id": f"thread-{number}", "cohort.task": question}) as span:
        messages = [{"role": "user", "content": question}]
        for _ in range(4):
            said = client.chat.completions.create(model="small", messages=messages, tools=[TOOL], logprobs=True).choices[0].message
            messages.append(said.model_dump(exclude_none=True))
            if not said.tool_calls:
                break
            for call in said.tool_calls:
                with tracer.start_as_current_span("calculator", attributes={
                        "openinference.span.kind": "TOOL", "tool.name": "calculator", "input.value": call.function.arguments}) as tool:
                    left, _, right = json.loads(call.function.arguments)["expression"].partition("*")
                    result = str(int(left) * int(right))
                    tool.set_attribute("output.value", result)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        span.set_attribute("cohort.reward", float(str(a * b) in (messages[-1]["content"] or "")))


def main():
    model, threads = sys.argv[1], int(sys.argv[2])
    provider = TracerProvider(resource=Resource.create({"service.name": "calculator"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    client = OpenAI(base_url=model, api_key="none", max_retries=0)
    tracer = provider.get_tracer("calculator")
    for number in range(threads):
        play(client, tracer, number)
    flushed = provider.force_flush()
    provider.shutdown()
    print(json.dumps({"threads": threads, "flushed": flushed}))


main()
