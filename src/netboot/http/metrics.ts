import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Observation } from "../observation.js";
import type { RenderedCache } from "./rendered.js";

/** From answers out of memory to assets of gigabytes over slow links. */
const durationBuckets = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300];

/** What of all this is counted, for Prometheus. Others may add to the registry. */
export class NetbootMetrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: "slipway_http_requests_total",
    help: "HTTP requests by route and status",
    labelNames: ["route", "status"],
    registers: [this.registry],
  });
  readonly #bytes = new Counter({
    name: "slipway_http_response_bytes_total",
    help: "Bytes of HTTP bodies that were sent, by route",
    labelNames: ["route"],
    registers: [this.registry],
  });
  readonly #aborted = new Counter({
    name: "slipway_http_aborted_total",
    help: "HTTP responses that the client did not wait for, by route",
    labelNames: ["route"],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: "slipway_http_request_duration_seconds",
    help: "From the request's head to the end of its response, by route",
    labelNames: ["route"],
    buckets: durationBuckets,
    registers: [this.registry],
  });
  readonly #badRequests = new Counter({
    name: "slipway_http_bad_requests_total",
    help: "Connections closed over what was no HTTP, too large or too slow",
    labelNames: ["reason"],
    registers: [this.registry],
  });
  readonly #observations = new Counter({
    name: "slipway_netboot_observations_total",
    help: "What was seen of machines, by stage and outcome",
    labelNames: ["stage", "outcome"],
    registers: [this.registry],
  });

  /** Of this process too: memory, processor, event loop. */
  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  request(route: string, status: number, seconds: number, bytes: number, aborted: boolean): void {
    this.#requests.inc({ route, status });
    this.#bytes.inc({ route }, bytes);
    this.#duration.observe({ route }, seconds);
    if (aborted) this.#aborted.inc({ route });
  }

  badRequest(reason: string): void {
    this.#badRequests.inc({ reason });
  }

  /** For observations of all protocols. */
  observation({ stage, outcome }: Observation): void {
    this.#observations.inc({ stage, outcome });
  }

  /** A figure that is looked up when somebody asks. @param name without `slipway_` */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `slipway_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Counters that somebody else keeps, by kind, looked up when somebody asks. @param name without `slipway_` */
  counters(name: string, help: string, read: () => Readonly<Record<string, number>>): void {
    new Counter({
      name: `slipway_${name}`,
      help,
      labelNames: ["kind"],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [kind, count] of Object.entries(read())) this.inc({ kind }, count);
      },
    });
  }

  cache(rendered: RenderedCache): void {
    this.gauge("http_rendered_bytes", "Documents that are kept, in bytes", () => rendered.bytes);
    this.gauge("http_rendered_hits", "Documents that were there already", () => rendered.hits);
    this.gauge("http_rendered_misses", "Documents that had to be made", () => rendered.misses);
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
