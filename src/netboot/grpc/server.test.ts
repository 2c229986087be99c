import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import { createAuthority } from "../../pki/authority.js";
import { issueCertificate } from "../../pki/certificate.js";
import { InventoryStore } from "../inventory/store.js";
import { TestLab, worker } from "../inventory/testing.js";
import { LiveInventory } from "../inventory/watch.js";
import { matchboxPackages } from "./descriptor.js";
import { type GrpcCall, type GrpcServer, startGrpcServer } from "./server.js";

const now = new Date();
const authority = createAuthority("matchbox", { now, years: 1 });
const issue = (commonName: string, usage: "server" | "client", by = authority) =>
  issueCertificate(
    {
      name: commonName,
      authority: "cluster",
      commonName,
      organizations: [],
      usages: [usage],
      dnsNames: [],
      ips: ["127.0.0.1"],
    },
    by,
    { now, days: 1 },
  );
const person = issue("person", "client");

let lab: TestLab;
let live: LiveInventory;
let server: GrpcServer;
let client: Client;
const calls: GrpcCall[] = [];

const clientOf = (pair: { certificatePem: string; privateKeyPem: string } | undefined, port = server.port) =>
  new Client(
    `127.0.0.1:${port}`,
    credentials.createSsl(
      Buffer.from(authority.certificatePem),
      pair ? Buffer.from(pair.privateKeyPem) : null,
      pair ? Buffer.from(pair.certificatePem) : null,
    ),
  );

beforeAll(async () => {
  lab = await TestLab.create(worker);
  const pair = issue("server", "server");
  await lab.write({
    "tls/crt": pair.certificatePem,
    "tls/key": pair.privateKeyPem,
    "tls/ca": authority.certificatePem,
  });
  live = await LiveInventory.open(lab.directory, { watch: false });
  server = await startGrpcServer({
    address: "127.0.0.1",
    port: 0,
    tls: {
      certificate: join(lab.directory, "tls/crt"),
      key: join(lab.directory, "tls/key"),
      ca: join(lab.directory, "tls/ca"),
    },
    store: new InventoryStore(live),
    snapshot: () => live.snapshot,
    clock: systemClock,
    onCall: (call) => calls.push(call),
    tlsLookMs: 20,
  });
  client = clientOf(person);
});

afterAll(async () => {
  client?.close();
  await server?.close(0);
  live?.[Symbol.dispose]();
  await lab[Symbol.asyncDispose]();
});

const packages = matchboxPackages();

function call(method: string, request: object, by = client): Promise<Record<string, unknown>> {
  const [service, name] = method.split("/") as [string, string];
  const definition = (
    packages[`rpcpb.${service}`] as unknown as Record<
      string,
      {
        path: string;
        requestSerialize: (value: object) => Buffer;
        responseDeserialize: (bytes: Buffer) => Record<string, unknown>;
      }
    >
  )[name]!;
  return new Promise((resolve, reject) => {
    by.makeUnaryRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request,
      { deadline: Date.now() + 10_000 },
      (error, answer) => (error ? reject(error) : resolve(answer!)),
    );
  });
}

const codeOf = (error: unknown): unknown => ({
  code: (error as ServiceError).code,
  details: (error as ServiceError).details,
});
const refused = (method: string, request: object): Promise<unknown> =>
  call(method, request).then((answer) => ({ answer }), codeOf);

const notFound = 5;
const invalidArgument = 3;

test("what is put is live and on disk when the answer comes, and stays until it is deleted", async () => {
  const group = {
    id: "g2",
    name: "Two",
    profile: "worker",
    selector: { mac: "52-54-00-00-00-02", os: "installed" },
    metadata: Buffer.from('{"a":[1,{"b":null}]}'),
  };
  await call("Groups/GroupPut", { group });
  expect(live.snapshot.groupsById.get("g2")).toMatchObject({ selector: { mac: "52:54:00:00:00:02" } });
  expect(JSON.parse(await readFile(join(lab.directory, "groups/g2.json"), "utf8"))).toMatchObject({
    id: "g2",
    metadata: { a: [1, { b: null }] },
  });
  const got = (await call("Groups/GroupGet", { id: "g2" })).group as { metadata: Buffer };
  expect({ ...got, metadata: JSON.parse(String(got.metadata)) }).toEqual({
    ...group,
    selector: { mac: "52:54:00:00:00:02", os: "installed" },
    metadata: { a: [1, { b: null }] },
  });
  const { groups } = await call("Groups/GroupList", {});
  expect((groups as { id: string }[]).map(({ id }) => id)).toEqual(["g2", "node1"]);
  await call("Groups/GroupDelete", { id: "g2" });
  expect(live.snapshot.groupsById.has("g2")).toBe(false);
  expect(await refused("Groups/GroupGet", { id: "g2" })).toMatchObject({ code: notFound });
  expect(await refused("Groups/GroupDelete", { id: "g2" })).toMatchObject({ code: notFound });
});

test("a profile always has a boot", async () => {
  await call("Profiles/ProfilePut", { profile: { id: "bare" } });
  expect((await call("Profiles/ProfileGet", { id: "bare" })).profile).toEqual({
    id: "bare",
    name: "",
    ignitionId: "",
    cloudId: "",
    genericId: "",
    boot: { kernel: "", initrd: [], args: [] },
  });
  await call("Profiles/ProfileDelete", { id: "bare" });
});

test("configurations come back byte for byte", async () => {
  for (const [service, name, config] of [
    ["Ignition", "two.yaml", "variant: fcos\nversion: 1.5.0\n# ä\n"],
    ["Generic", "script", "echo {{.domain_name}}\n"],
  ] as const) {
    await call(`${service}/${service}Put`, { name, config: Buffer.from(config) });
    expect(String((await call(`${service}/${service}Get`, { name })).config)).toBe(config);
    await call(`${service}/${service}Delete`, { name });
    expect(await refused(`${service}/${service}Get`, { name })).toMatchObject({ code: notFound });
  }
});

test("a selection tells which group and profile a machine gets", async () => {
  const labels = { mac: "52:54:00:b2:2f:86" };
  expect((await call("Select/SelectGroup", { labels })).group).toMatchObject({ id: "node1" });
  expect((await call("Select/SelectProfile", { labels })).profile).toMatchObject({ id: "worker" });
  expect(await refused("Select/SelectGroup", { labels: {} })).toEqual({
    code: notFound,
    details: "matchbox: No matching Group",
  });
});

test.each([
  ["Groups/GroupPut", {}, "a group needs an id"],
  ["Groups/GroupPut", { group: { id: "x" } }, "needs the id of a profile"],
  ["Groups/GroupPut", { group: { id: "x", profile: "worker", metadata: Buffer.from("{") } }, "not JSON"],
  [
    "Groups/GroupPut",
    { group: { id: "x", profile: "worker", metadata: Buffer.from("[1]") } },
    "not a JSON object",
  ],
  ["Groups/GroupPut", { group: { id: "x", profile: "worker", selector: { mac: "zz" } } }, "zz"],
  ["Groups/GroupPut", { group: { id: "../profiles/x", profile: "worker" } }, "not a path"],
  ["Profiles/ProfilePut", { profile: { id: "" } }, "a profile needs an id"],
  ["Ignition/IgnitionPut", { name: "../groups/x.json", config: Buffer.from("{}") }, "not a path"],
  ["Ignition/IgnitionPut", { name: "broken.ign", config: Buffer.from("{") }, "broken.ign"],
])("%s refuses %j", async (method, request, why) => {
  const before = live.snapshot;
  expect(await refused(method, request)).toEqual({
    code: invalidArgument,
    details: expect.stringContaining(why),
  });
  expect(live.snapshot).toBe(before);
});

test("a message that is too long is refused, and the server goes on", async () => {
  const contents = Buffer.alloc(8 << 20, "a");
  const resourceExhausted = 8;
  expect(await refused("Generic/GenericPut", { name: "long", config: contents })).toMatchObject({
    code: resourceExhausted,
  });
  expect(live.snapshot.generic.has("long")).toBe(false);
  expect(await call("Groups/GroupList", {})).toMatchObject({ groups: [{ id: "node1" }] });
});

test("without a certificate of the authority nobody gets in", async () => {
  const other = issue("person", "client", createAuthority("matchbox", { now, years: 1 }));
  for (const pair of [undefined, other]) {
    const stranger = clientOf(pair);
    await expect(call("Groups/GroupList", {}, stranger)).rejects.toMatchObject({ code: 14 });
    stranger.close();
  }
});

test("a new authority is taken up while it serves", async () => {
  const next = createAuthority("matchbox", { now, years: 1 });
  const newcomer = issue("newcomer", "client", next);
  await writeFile(join(lab.directory, "tls/ca"), authority.certificatePem + next.certificatePem);
  for (;;) {
    const by = clientOf(newcomer);
    const answer = await call("Groups/GroupList", {}, by).catch(() => undefined);
    by.close();
    if (answer) break;
    await delay(50);
  }
});

test("calls are told of", async () => {
  calls.length = 0;
  await refused("Profiles/ProfileGet", { id: "nope" });
  expect(calls).toMatchObject([
    {
      method: "Profiles/ProfileGet",
      code: "NOT_FOUND",
      address: "127.0.0.1",
      error: expect.stringContaining("nope"),
    },
  ]);
});
