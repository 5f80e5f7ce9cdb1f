// Two spans through the JavaScript SDK: node javascript_sender.mjs json|protobuf URL AUTHORIZATION
// Prints each as trace id/span id. A failed export is told on stderr and ends with 1.
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

const [, , format, url, authorization] = process.argv;
const Exporter = format === "json" ? JsonExporter : ProtobufExporter;
const exporter = new Exporter({ url, headers: { authorization }, compression: "gzip" });

const failures = [];
const telling = {
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      if (result.code !== 0) failures.push(result.error);
      done(result);
    }),
  shutdown: () => exporter.shutdown(),
  forceFlush: () => exporter.forceFlush(),
};

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "painter" }),
  spanProcessors: [new SimpleSpanProcessor(telling)],
});
const tracer = provider.getTracer("tests");
const outer = tracer.startSpan("paint", { attributes: { "gen_ai.usage.input_tokens": 12, part: 0.5 } });
const inner = tracer.startSpan("mix", { links: [{ context: outer.spanContext() }] });
inner.end();
outer.end();
await provider.forceFlush();
await provider.shutdown();

for (const span of [outer, inner]) {
  const { traceId, spanId } = span.spanContext();
  console.log(`${traceId}/${spanId}`);
}
for (const failure of failures) console.error(failure);
process.exit(failures.length ? 1 : 0);
