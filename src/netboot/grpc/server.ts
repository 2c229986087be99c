import {
  type handleUnaryCall,
  loadPackageDefinition,
  Server,
  type ServiceClientConstructor,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Clock } from "../../base/clock.js";
import { errorCodes, isSlipwayError, messageOf } from "../../base/errors.js";
import { listenError } from "../../net/listen.js";
import type { Snapshot } from "../inventory/snapshot.js";
import type { InventoryStore } from "../inventory/store.js";
import { matchboxPackages } from "./descriptor.js";
import { NotFound, services } from "./service.js";
import { MutualTls, type MutualTlsFiles } from "./tls.js";

/** A call that a client made, for the log. */
export interface GrpcCall {
  time: string;
  /** `Groups/GroupPut` */
  method: string;
  /** The client's address. */
  address: string;
  /** `OK`, `NOT_FOUND`, `INVALID_ARGUMENT` … */
  code: string;
  error?: string;
  durationMs: number;
}

export interface GrpcServerOptions {
  address: string;
  /** 0: any that is free. @default 8081 */
  port?: number;
  tls: MutualTlsFiles;
  store: InventoryStore;
  snapshot: () => Snapshot;
  clock: Clock;
  onCall?: (call: GrpcCall) => void;
  /** Told when changed TLS files cannot be used; the old ones go on. */
  onTlsProblem?: (error: unknown) => void;
  /** How often it is looked whether the TLS files changed, in milliseconds. @default 5000 */
  tlsLookMs?: number;
}

export interface GrpcServer extends AsyncDisposable {
  port: number;
  /** Lets calls that are on their way end for as long as this, then cuts them. @default 2000 */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves matchbox's gRPC with mutual TLS: a client needs a certificate of the authority, and may do everything then.
 *
 * @throws {SlipwayError} `CERTIFICATE_INVALID`; `PORT_IN_USE`, `PERMISSION_DENIED`, `ADDRESS_INVALID`, `PREFLIGHT_FAILED`
 * when it cannot listen
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { address, port: wanted = 8081, onTlsProblem, tlsLookMs } = options;
  const tls = await MutualTls.load(options.tls, {
    ...(onTlsProblem ? { onProblem: onTlsProblem } : {}),
    ...(tlsLookMs ? { everyMs: tlsLookMs } : {}),
  });
  const server = new Server();
  addServices(server, options);
  let port: number;
  try {
    port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${address}:${wanted}`, tls.credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
  } catch (error) {
    tls[Symbol.dispose]();
    throw await listenError({ address, port: wanted, protocol: "tcp" }, withSystemCode(error));
  }
  const close = async (graceMs = 2000) => {
    tls[Symbol.dispose]();
    const cut = setTimeout(() => server.forceShutdown(), graceMs);
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    clearTimeout(cut);
  };
  return { port, close, [Symbol.asyncDispose]: () => close() };
}

function addServices(server: Server, options: GrpcServerOptions): void {
  const { rpcpb } = loadPackageDefinition(matchboxPackages()) as unknown as {
    rpcpb: Record<string, ServiceClientConstructor>;
  };
  for (const [name, methods] of Object.entries(services(options.store, options.snapshot))) {
    const implementation: UntypedServiceImplementation = {};
    for (const [method, act] of Object.entries(methods)) {
      implementation[method] = unary(`${name}/${method}`, act as (request: object) => object, options);
    }
    server.addService(rpcpb[name]!.service, implementation);
  }
}

const unary =
  (
    method: string,
    act: (request: object) => object | Promise<object>,
    { clock, onCall }: GrpcServerOptions,
  ): handleUnaryCall<object, object> =>
  async (call, reply) => {
    const time = clock.now().toISOString();
    const startedMs = clock.monotonicMs();
    const done = (code: status, error?: string) =>
      onCall?.({
        time,
        method,
        address: call.getPeer().replace(/:\d+$/, ""),
        code: status[code],
        ...(error === undefined ? {} : { error }),
        durationMs: Math.round((clock.monotonicMs() - startedMs) * 10) / 10,
      });
    try {
      const answer = await act(call.request);
      reply(null, answer);
      done(status.OK);
    } catch (error) {
      const { code, details } = refusal(error);
      reply({ code, details } as ServiceError);
      done(code, details);
    }
  };

/** An error as clients tell them apart: what is not there, what is wrong with theirs, what is wrong with us. */
function refusal(error: unknown): { code: status; details: string } {
  if (error instanceof NotFound) return { code: status.NOT_FOUND, details: error.message };
  if (!isSlipwayError(error)) return { code: status.INTERNAL, details: messageOf(error) };
  const more = Object.entries(error.details).map(([label, value]) => `${label}: ${value}`);
  const details = [error.message, ...more, ...(error.hint ? [error.hint] : [])].join("; ");
  const isTheirs = errorCodes[error.code].class === "user";
  return { code: isTheirs ? status.INVALID_ARGUMENT : status.UNAVAILABLE, details };
}

/** grpc-js puts the reason into a sentence: the code that stands in it is what we need. */
const withSystemCode = (error: unknown): unknown => {
  const code = /\bE[A-Z]+\b/.exec(messageOf(error))?.[0];
  return code ? Object.assign(new Error(messageOf(error), { cause: error }), { code }) : error;
};
