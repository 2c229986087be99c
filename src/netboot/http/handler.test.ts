import fc from "fast-check";
import { expect, test } from "vitest";
import type { Decision } from "../decision.js";
import { snapshotOf } from "../inventory/testing.js";
import type { HttpAnswer } from "./answer.js";
import type { Guard } from "./guard.js";
import { answerHttp, type HttpState } from "./handler.js";
import { RenderedCache } from "./rendered.js";

const files = {
  "groups/node1.json": JSON.stringify({
    id: "node1",
    profile: "worker",
    selector: { mac: "52:54:00:00:00:01" },
    metadata: { name: "one" },
  }),
  "groups/default.json": JSON.stringify({ id: "default", profile: "worker", metadata: { name: "any" } }),
  "profiles/worker.json": JSON.stringify({
    id: "worker",
    boot: { kernel: "/assets/vmlinuz", initrd: ["/assets/initrd"], args: ["console=ttyS0"] },
    ignition_id: "worker.yaml",
    generic_id: "hello",
  }),
  "ignition/worker.yaml":
    "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/hostname\n      contents:\n        inline: {{.name}}\n",
  "generic/hello": "hello {{.name}} {{.request.raw_query}}",
  "assets/vmlinuz": "kernel",
};
const snapshot = await snapshotOf(files);

const newState = (more: Partial<HttpState> = {}): HttpState => ({
  rendered: new RenderedCache(),
  signs: false,
  ...more,
});

const ask = (
  target: string,
  more: { state?: HttpState; headers?: Record<string, string> } = {},
): HttpAnswer =>
  answerHttp(
    { method: "GET", target, headers: more.headers ?? {}, address: "10.0.0.5" },
    snapshot,
    more.state ?? newState(),
  );

function bytes(answer: HttpAnswer) {
  if (answer.type !== "bytes") throw new Error(`${answer.type} instead of bytes`);
  const { status, headers, body } = answer.response;
  const names = headers.filter((_, i) => i % 2 === 0);
  const values = headers.filter((_, i) => i % 2 === 1);
  return {
    status,
    body: body.toString(),
    headers: Object.fromEntries(names.map((name, i) => [name, values[i]])),
    facts: answer.facts,
  };
}

test("a machine gets what its labels choose, in any spelling of its MAC", () => {
  for (const mac of ["52-54-00-00-00-01", "52:54:00:00:00:01", "5254.0000.0001"]) {
    const { status, body, headers, facts } = bytes(ask(`/ipxe?mac=${mac}`));
    expect({ status, body }).toEqual({
      status: 200,
      body: "#!ipxe\nkernel /assets/vmlinuz console=ttyS0\ninitrd /assets/initrd\nboot\n",
    });
    expect(headers).toEqual({
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": String(body.length),
    });
    expect(facts).toMatchObject({ group: "node1", profile: "worker", labels: { mac: "52:54:00:00:00:01" } });
  }
  expect(bytes(ask("/ignition?mac=52-54-00-00-00-01")).body).toContain("data:,one");
  expect(bytes(ask("/ignition?mac=52-54-00-00-00-02")).body).toContain("data:,any");
});

test("what is not there is 404 in matchbox's words, and the reason is for the log", () => {
  const { status, body, headers, facts } = bytes(ask("/cloud"));
  expect({ status, body }).toEqual({ status: 404, body: "404 page not found\n" });
  expect(headers["X-Content-Type-Options"]).toBe("nosniff");
  expect(facts.error).toContain("has no cloud config");
  expect(ask("/nope")).toMatchObject({ type: "unknown", path: "/nope" });
});

test("paths are cleaned by a redirect, and never lead out of the assets", () => {
  expect(bytes(ask("//ipxe?a=b"))).toMatchObject({ status: 301, headers: { Location: "/ipxe?a=b" } });
  expect(bytes(ask("/x/../assets"))).toMatchObject({ status: 301, headers: { Location: "/assets" } });
  expect(bytes(ask("/assets"))).toMatchObject({ status: 301, headers: { Location: "/assets/" } });
  for (const path of ["/assets/..%2fgroups/node1.json", "/assets/%2e%2e/groups/node1.json"]) {
    expect(bytes(ask(path))).toMatchObject({ status: 301, headers: { Location: "/groups/node1.json" } });
  }
  expect(ask("/groups/node1.json").type).toBe("unknown");
  expect(bytes(ask("/assets/%"))).toMatchObject({ status: 400 });
  expect(ask("/assets/a%20b/c/")).toMatchObject({ type: "asset", path: "a b/c", slash: true });
  expect(ask("http://boot.example/assets/x")).toMatchObject({ type: "asset", path: "x" });
});

test("the same question is answered from what was made for it", () => {
  const state = newState();
  const first = ask("/generic?a=1", { state });
  expect(bytes(first).body).toBe("hello any a=1");
  expect(bytes(ask("/generic?a=2", { state })).body).toBe("hello any a=2");
  const again = ask("/generic?a=1", { state });
  expect(again).toMatchObject({ response: (first as { response: object }).response });
  expect(state.rendered).toMatchObject({ hits: 1, misses: 2 });
});

test("a part of a generic document", () => {
  expect(bytes(ask("/generic?a=1", { headers: { range: "bytes=0-4" } }))).toMatchObject({
    status: 206,
    body: "hello",
    headers: { "Content-Range": "bytes 0-4/13" },
  });
});

test("signatures are there only with a key, and sign errors too", () => {
  expect(ask("/ipxe.sig").type).toBe("unknown");
  const state = newState({ signs: true });
  expect(ask("/ipxe.sig", { state })).toMatchObject({
    type: "signature",
    armored: false,
    of: { response: { status: 200 } },
  });
  expect(ask("/cloud.asc", { state })).toMatchObject({
    type: "signature",
    armored: true,
    of: { response: { status: 404 } },
  });
  expect(ask("/.sig", { state }).type).toBe("unknown");
});

test("the guard sees the token; templates, logs and the answers that are kept do not", () => {
  const asked: unknown[] = [];
  const guard: Guard = ({ token, labels, rawQuery }) => {
    asked.push({ token, labels: { ...labels }, rawQuery });
    return token === "right"
      ? { type: "serve" }
      : { type: "refuse", status: 503, retryAfterSeconds: 10, reason: "not approved yet" };
  };
  const state = newState({ guard });
  const { body, facts } = bytes(ask("/generic?a=1&token=right", { state }));
  expect(body).toBe("hello any a=1");
  expect(JSON.stringify(facts)).not.toContain("right");
  expect(asked).toEqual([{ token: "right", labels: { a: "1" }, rawQuery: "a=1" }]);
  expect(bytes(ask("/generic?a=1", { state }))).toMatchObject({
    status: 503,
    body: "not approved yet\n",
    headers: { "Retry-After": "10" },
  });
});

test("the guard may answer in the document's place, which the timeline is told", () => {
  const guard: Guard = () => ({
    type: "instead",
    gets: "its own disk",
    contentType: "text/plain",
    body: "#!ipxe\nexit 1\n",
    reason: "it is retired",
  });
  const { body, facts } = bytes(ask("/ipxe", { state: newState({ guard }) }));
  expect(body).toBe("#!ipxe\nexit 1\n");
  expect(facts).toMatchObject({ instead: { gets: "its own disk", because: "it is retired" } });
});

test("what simulate prints is what was decided here", () => {
  const decisions: Decision[] = [];
  const request = { method: "GET", target: "/ipxe?mac=5254.0000.0001", headers: {}, address: "10.0.0.5" };
  answerHttp(request, snapshot, newState(), (decision) => decisions.push(decision));
  expect(decisions.map(({ about, chosen }) => [about, chosen])).toEqual([
    ["group", "node1"],
    ["boot profile", "worker"],
  ]);
});

test("what is kept has a bound", () => {
  const state = newState({ rendered: new RenderedCache({ maxBytes: 100_000 }) });
  for (let i = 0; i < 500; i++) ask(`/generic?n=${i}`, { state });
  expect(state.rendered.bytes).toBeGreaterThan(50_000);
  expect(state.rendered.bytes).toBeLessThanOrEqual(100_000);
  ask("/generic?n=499", { state });
  expect(state.rendered.hits).toBe(1);
});

const piece = fc.constantFrom(
  ..."/ // . .. %2e %2f %00 %zz %ff ? & = ; mac uuid token a 52-54-00-00-00-01 :".split(" "),
  ..."assets ipxe ignition generic metadata boot.ipxe .sig .asc http://a \\ \u00ff ".split(" "),
);
const target = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join("")}`),
  fc.string({ unit: "binary-ascii", maxLength: 300 }),
);
const range = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("bytes=0-", "bytes=9-1", "bytes=-0"));

test("whatever is asked, there is an answer that is whole, and no asset's path leads up", () => {
  const state = newState({ signs: true, guard: () => ({ type: "serve" }) });
  fc.assert(
    fc.property(target, range, (asked, wanted) => {
      const answer = ask(asked, { state, headers: { range: wanted, "if-range": wanted, accept: wanted } });
      if (answer.type === "asset") expect(answer.path.split("/")).not.toContain("..");
      const response =
        answer.type === "signature" ? answer.of.response : "response" in answer && answer.response;
      if (!response) return;
      const at = response.headers.indexOf("Content-Length");
      expect(Number(response.headers[at + 1])).toBe(response.body.length);
      for (const value of response.headers) expect(value).toMatch(/^[\x20-\x7e]*$/);
    }),
    { numRuns: 20_000 },
  );
});
