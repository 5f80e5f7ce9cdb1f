// A user's HTTP service on the JavaScript SDK: node interop_painter.mjs URL AUTHORIZATION
// Prints its port; takes a request's W3C context over and answers when its spans are exported. Ends with its stdin.
import { createServer } from "node:http";
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const [, , url, authorization] = process.argv;
const exporter = new OTLPTraceExporter({ url, headers: { authorization }, compression: "gzip" });
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "painter" }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
provider.register();
const tracer = trace.getTracer("painter");

const server = createServer(async (request, response) => {
  const caller = propagation.extract(context.active(), request.headers);
  const span = tracer.startSpan(
    "POST /",
    { kind: SpanKind.SERVER, attributes: { "http.route": "/" } },
    caller,
  );
  tracer.startSpan("mix", {}, trace.setSpan(caller, span)).end();
  span.end();
  await provider.forceFlush();
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
