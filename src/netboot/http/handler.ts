import type { Decide } from "../decision.js";
import { selectGroup } from "../inventory/select.js";
import { machineLabels, type Snapshot } from "../inventory/snapshot.js";
import { bootIpxe } from "../render/boot-scripts.js";
import { type DocumentKind, renderDocument } from "../render/documents.js";
import { labelsOf } from "../render/labels.js";
import {
  type AssetAnswer,
  type BytesAnswer,
  type HttpAnswer,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
  notFound,
  plainError,
  type RequestFacts,
  redirect,
  response,
  textType,
} from "./answer.js";
import { contentAnswer, single } from "./file-answer.js";
import type { Guard, Verdict } from "./guard.js";
import type { Rendered, RenderedCache } from "./rendered.js";
import { cleanPath, parseTarget, withoutParameter } from "./target.js";

/** What the handler has besides the snapshot. */
export interface HttpState {
  rendered: RenderedCache;
  /** Whether there is a key: then each document has a `.sig` and an `.asc`. */
  signs: boolean;
  guard?: Guard;
}

/** Boot files of the user's own; iPXE's builds are in memory, and not of this room. */
const bootFilesRoute = "/boot-files/";

const home = response(200, textType, "matchbox\n");
const healthy = response(200, textType, "ok\n");

const bootScript = response(200, textType, bootIpxe);

type Route = (request: HttpRequest, rawQuery: string, context: Context) => BytesAnswer;

interface Context {
  route: string;
  snapshot: Snapshot;
  state: HttpState;
  decide: Decide | undefined;
  signature: boolean;
}

const fixed =
  (fixedResponse: HttpResponse): Route =>
  (_request, _query, { route }) => ({ type: "bytes", response: fixedResponse, facts: { route } });

/** Paths that have signatures. */
const signable = new Map<string, Route>([
  ["/boot.ipxe", fixed(bootScript)],
  // dnsmasq's pxe-service appends .0
  ["/boot.ipxe.0", fixed(bootScript)],
  ...(["ipxe", "grub", "ignition", "cloud", "generic", "metadata"] as const).map((kind): [string, Route] => [
    `/${kind}`,
    (request, rawQuery, context) => documentAnswer(kind, request, rawQuery, context),
  ]),
]);

const routes = new Map<string, Route>([["/", fixed(home)], ["/healthz", fixed(healthy)], ...signable]);

/** Answers a request as matchbox does; of assets it says only which is wanted. */
export function answerHttp(
  request: HttpRequest,
  snapshot: Snapshot,
  state: HttpState,
  decide?: Decide,
): HttpAnswer {
  const target = parseTarget(request.target);
  if (!target) return refusal(plainError(400, "400 Bad Request"), "the path is not encoded as paths are");
  const { path, rawQuery } = target;
  const route = routes.get(path);
  if (route) return route(request, rawQuery, { route: path, snapshot, state, decide, signature: false });
  const clean = cleanPath(path);
  if (clean !== path) return moved(clean, rawQuery);
  if (snapshot.assets !== undefined && path === "/assets") return moved("/assets/", rawQuery);
  if (snapshot.assets !== undefined && path.startsWith("/assets/")) return assetAnswer(path, snapshot.assets);
  const own = path.startsWith(bootFilesRoute) && snapshot.ownBootFiles.get(path.slice(bootFilesRoute.length));
  if (own) {
    const { directory, path: file } = own;
    return { type: "asset", directory, path: file, slash: false, facts: { route: bootFilesRoute } };
  }
  if (path === "/metrics") return { type: "metrics", facts: { route: path } };
  const signature = state.signs ? /^(.+)\.(sig|asc)$/.exec(path) : null;
  const signed = signature && signable.get(signature[1]!);
  if (signed) {
    const context = { route: path, snapshot, state, decide, signature: true };
    return { type: "signature", of: signed(request, rawQuery, context), armored: signature[2] === "asc" };
  }
  return { type: "unknown", path, facts: { route: "other", error: "no such path" } };
}

const refusal = (refused: HttpResponse, error: string): BytesAnswer => ({
  type: "bytes",
  response: refused,
  facts: { route: "other", error },
});

const moved = (path: string, rawQuery: string): BytesAnswer => {
  const query = rawQuery.replace(/[^\x21-\x7e]/g, (byte) => encodeURIComponent(byte));
  return {
    type: "bytes",
    response: redirect(`${encodeURI(path)}${query === "" ? "" : `?${query}`}`),
    facts: { route: "other" },
  };
};

const assetAnswer = (path: string, directory: string): AssetAnswer => ({
  type: "asset",
  directory,
  path: path.slice("/assets/".length).replace(/\/$/, ""),
  slash: path.endsWith("/"),
  facts: { route: "/assets/" },
});

function documentAnswer(
  kind: DocumentKind,
  request: HttpRequest,
  query: string,
  { route, snapshot, state, decide, signature }: Context,
): BytesAnswer {
  // A token is for the guard alone: neither templates nor logs see it.
  const token = state.guard && query.includes("token") ? labelsOf(query).token : undefined;
  const rawQuery = token === undefined ? query : withoutParameter(query, "token");
  const accept = kind === "ignition" ? single(request.headers.accept) : undefined;
  const make = () => renderFor(kind, rawQuery, accept, snapshot, decide);
  const rendered = decide
    ? make()
    : state.rendered.get(snapshot, `${kind}\0${accept ?? ""}\0${rawQuery}`, make);
  const { labels, group, profile, error } = rendered;
  const facts: RequestFacts = { route, labels };
  if (rawQuery !== "") facts.query = rawQuery;
  if (group) facts.group = group.id;
  if (profile) facts.profile = profile.id;
  const { method, address } = request;
  const verdict = state.guard?.({
    kind,
    signature,
    method,
    labels,
    rawQuery,
    group,
    profile,
    address,
    token,
  });
  if (verdict?.type === "refuse") return refused(verdict, facts, decide);
  if (verdict?.type === "instead") {
    decide?.({ about: `/${kind}`, chosen: "another in its place", because: verdict.reason, others: [] });
    if (verdict.gets !== undefined) facts.instead = { gets: verdict.gets, because: verdict.reason };
    return ending(verdict, response(200, verdict.contentType, verdict.body), facts);
  }
  if (error !== undefined) facts.error = error;
  return ending(verdict, partly(kind, request.headers, rendered.response), facts);
}

function renderFor(
  kind: DocumentKind,
  rawQuery: string,
  accept: string | undefined,
  snapshot: Snapshot,
  decide: Decide | undefined,
): Rendered {
  const labels = machineLabels(snapshot, labelsOf(rawQuery, decide));
  const group = selectGroup(snapshot.groups, labels);
  const profile = group && snapshot.profiles.get(group.profile);
  const document = renderDocument(kind, { labels, rawQuery, accept }, snapshot, { decide });
  return document.status === 200
    ? {
        response: response(200, document.contentType, document.body),
        labels,
        group,
        profile,
        error: undefined,
      }
    : { response: notFound, labels, group, profile, error: document.reason };
}

function refused(
  { status, retryAfterSeconds, reason }: Extract<Verdict, { type: "refuse" }>,
  facts: RequestFacts,
  decide: Decide | undefined,
): BytesAnswer {
  decide?.({ about: facts.route, chosen: String(status), because: reason, others: [] });
  const later = retryAfterSeconds === undefined ? [] : ["Retry-After", String(retryAfterSeconds)];
  return {
    type: "bytes",
    response: status === 404 ? notFound : plainError(status, reason, ...later),
    facts: { ...facts, error: reason },
  };
}

function ending(
  verdict: Exclude<Verdict, { type: "refuse" }> | undefined,
  sent: HttpResponse,
  facts: RequestFacts,
): BytesAnswer {
  const answer: BytesAnswer = { type: "bytes", response: sent, facts };
  if (verdict?.ended) answer.ended = verdict.ended;
  if (verdict?.type === "serve" && verdict.ready) answer.ready = verdict.ready;
  return answer;
}

/** Of these two matchbox gives parts, too. */
function partly(kind: DocumentKind, headers: HttpHeaders, whole: HttpResponse): HttpResponse {
  if ((kind !== "cloud" && kind !== "generic") || whole.status !== 200) return whole;
  const contentType = whole.headers[1]!;
  const { status, headers: head, part } = contentAnswer(headers, { size: whole.body.length, contentType });
  return {
    status,
    headers: head,
    // Bodies that are whole stay the same object: signatures are kept by it.
    body:
      "body" in part ? part.body : status === 200 ? whole.body : whole.body.subarray(part.start, part.end),
  };
}
