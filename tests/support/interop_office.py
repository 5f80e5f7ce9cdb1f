"""A user's two agents on pydantic-ai, traced by pydantic-ai itself, over its own model for tests.

The scout looks an order up with a tool; the tool asks the keeper. `python -m tests.support.interop_office`
"""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.models.test import TestModel

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))

keeper = Agent(TestModel(model_name="small", custom_output_text="in the cellar"), name="keeper")
scout = Agent(TestModel(model_name="large"), name="scout")


@scout.tool_plain
async def look_up(order: int) -> str:
    return (await keeper.run(f"Where is order {order}?")).output


if __name__ == "__main__":
    scout.run_sync("Find the order.", conversation_id="c-1")
