import { Agent, request } from "node:https";
import { connect } from "../src/kube/client.js";
import { credentialsFromKubeconfig } from "../src/kube/credentials.js";

/** What callers of an API saw while something went on. */
export interface CallReport {
  calls: number;
  /** Answers other than 200, and connections that were lost or refused, by what was seen. */
  failures: Record<string, number>;
  failedCalls: number;
  /**
   * Answers with Retry-After that client-go repeats (`checkWait` in rest/with_retry.go): 429, and the 503 of an API server that ends
   * while a request comes in.
   */
  toldToRetry: number;
  /** Sent again, as their kept connection was closed under them. */
  repeated: number;
  /** Between the beginning of a call and its answer, or between answers. */
  longestSilenceMs: number;
  /** When that ended, ISO 8601. */
  longestSilenceEnded: string;
}

export interface ApiCallers {
  /** Resolves when the API answers for the first time. */
  started: Promise<void>;
  /** So far. */
  reports: Record<CallerKind, CallReport>;
  stop(): Promise<void>;
}

export type CallerKind = "newConnection" | "keptHttp1" | "keptHttp2";

type Answer = { status: number; retryAfter: boolean } | { problem: string; repeatable?: boolean };

const path = "/api/v1/namespaces/kube-system";
const intervalMs = 10;
const timeoutMs = 10_000;

/**
 * Three clients that call an API server every 10 ms: each call over a connection of its own, over one kept HTTP/1.1 connection,
 * and over one kept HTTP/2 connection. They count from the first good answer on.
 */
export function callApi(kubeconfig: string): ApiCallers {
  const credentials = credentialsFromKubeconfig(kubeconfig);
  const tls = { ca: credentials.caPem, cert: credentials.certificatePem, key: credentials.privateKeyPem };
  const byHttps = (agent: Agent | false) => (): Promise<Answer> =>
    new Promise((resolve) => {
      const call = request(
        new URL(path, credentials.server),
        { ...tls, agent, timeout: timeoutMs },
        (response) => {
          response.resume();
          response.once("error", (error) => resolve({ problem: error.message }));
          response.once("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              retryAfter: response.headers["retry-after"] !== undefined,
            }),
          );
        },
      );
      call.once("timeout", () => call.destroy(new Error("timed out")));
      call.once("error", (error) => {
        const problem = (error as { code?: string }).code ?? error.message;
        resolve({ problem, repeatable: call.reusedSocket && problem === "ECONNRESET" });
      });
      call.end();
    });
  const http2 = connect(credentials);
  const byHttp2 = async (): Promise<Answer> => {
    try {
      const { status, headers } = await http2.request({ path, timeoutMs });
      return { status, retryAfter: headers["retry-after"] !== undefined };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  };
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const callers: Record<CallerKind, Caller> = {
    newConnection: new Caller(byHttps(false)),
    keptHttp1: new Caller(byHttps(kept)),
    keptHttp2: new Caller(byHttp2),
  };
  const all = Object.values(callers);
  return {
    started: Promise.all(all.map(({ started }) => started)).then(() => {}),
    reports: Object.fromEntries(
      Object.entries(callers).map(([kind, { report }]) => [kind, report]),
    ) as Record<CallerKind, CallReport>,
    async stop() {
      await Promise.all(all.map((caller) => caller.stop()));
      kept.destroy();
      http2.close();
    },
  };
}

class Caller {
  readonly report: CallReport = {
    calls: 0,
    failures: {},
    failedCalls: 0,
    toldToRetry: 0,
    repeated: 0,
    longestSilenceMs: 0,
    longestSilenceEnded: "",
  };
  readonly started: Promise<void>;
  readonly #call: () => Promise<Answer>;
  readonly #ended: Promise<void>;
  #stopping = false;
  #begun: () => void = () => {};

  constructor(call: () => Promise<Answer>) {
    this.#call = call;
    this.started = new Promise((resolve) => {
      this.#begun = resolve;
    });
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ended;
  }

  async #run(): Promise<void> {
    let lastGood: number | undefined;
    while (!this.#stopping) {
      const began = performance.now();
      const answer = await this.#callAgain(await this.#call());
      const now = performance.now();
      const good = "status" in answer && answer.status === 200;
      if (lastGood === undefined) {
        if (!good) {
          await pause(20);
          continue;
        }
        this.#begun();
      } else {
        this.report.calls++;
        if (good) this.#heardAfter(Math.round(now - lastGood));
        else if ("status" in answer && answer.retryAfter && (answer.status === 429 || answer.status >= 500))
          this.report.toldToRetry++;
        else this.#fail("status" in answer ? `status ${answer.status}` : answer.problem);
      }
      if (good) lastGood = now;
      await pause(Math.max(0, intervalMs - (now - began)));
    }
  }

  /**
   * A server closes a kept connection between two calls, of which the second may be on its way: clients send it once more
   * (RFC 9112 §9.3.1; Go's net/http does, Node's leaves it to the caller).
   */
  async #callAgain(answer: Answer): Promise<Answer> {
    if (!("problem" in answer && answer.repeatable)) return answer;
    this.report.repeated++;
    return this.#call();
  }

  #heardAfter(silenceMs: number): void {
    if (silenceMs <= this.report.longestSilenceMs) return;
    this.report.longestSilenceMs = silenceMs;
    this.report.longestSilenceEnded = new Date().toISOString();
  }

  #fail(seen: string): void {
    this.report.failedCalls++;
    this.report.failures[seen] = (this.report.failures[seen] ?? 0) + 1;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
