import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.js";
import { Lives } from "../life/lives.js";
import { EventStreams } from "../timeline/events.js";
import { Recorder, type Witnessed } from "../timeline/recorder.js";
import { address, at, dhcp, mac } from "../timeline/testing.js";
import { changeMachine } from "./change.js";
import { tellServer, watchServer } from "./client.js";
import { listMachines, showMachine } from "./machines.js";
import { startAdminServer } from "./server.js";
import { findLabState, lockLabState } from "./state-directory.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "slipway-admin-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function served(recorder: Recorder) {
  const lives = await Lives.open({
    directory,
    clock: systemClock,
    observe: recorder.observe,
    policy: () => "manual",
    isDescribed: () => false,
    ownerOf: () => undefined,
  });
  return lives;
}

test("the owner's orders go through the socket, and those of nobody else", async () => {
  await using recorder = await Recorder.open(directory);
  await using lives = await served(recorder);
  await using _server = await startAdminServer(directory, { lives, events: new EventStreams(recorder) });
  expect((await stat(join(directory, "admin.sock"))).mode & 0o777).toBe(0o600);
  lives.take(dhcp(0, "DISCOVER → OFFER", "bios", { address }));
  expect(await tellServer(directory, mac, "approve")).toMatchObject({ mac, state: "approved" });
  expect(lives.get(mac)).toMatchObject({ state: "approved", approvedBy: "person" });
  await tellServer(directory, mac, "retire");
  await expect(tellServer(directory, mac, "approve")).rejects.toMatchObject({
    code: "USAGE",
    message: `${mac} cannot be told to approve: it is retired; reset it first`,
  });
  await expect(tellServer(directory, "02:00:00:00:00:09", "reset")).rejects.toMatchObject({
    code: "MACHINE_NOT_FOUND",
    hint: "slipway netboot machines lists those that were",
  });
});

test("watch tells what happens, of one machine or of all, until the server ends", async () => {
  await using recorder = await Recorder.open(directory);
  await using lives = await served(recorder);
  const server = await startAdminServer(directory, { lives, events: new EventStreams(recorder) });
  const other = "52:54:00:00:00:02";
  const heard: Record<string, Witnessed[]> = { [mac]: [], all: [] };
  const listening = [mac, undefined].map(async (machine) => {
    for await (const one of watchServer(directory, machine, new AbortController().signal)) {
      heard[machine ?? "all"]!.push(one);
    }
  });
  await expect.poll(() => recorder.listeners).toBe(2);
  const all = [
    dhcp(0, "REQUEST → ACK", "bios", { address }),
    at(1, { stage: "tftp", what: "undionly.kpxe", address }),
    dhcp(2, "DISCOVER → OFFER", "bios", { mac: other }),
  ];
  for (const one of all) recorder.observe(one);
  await expect.poll(() => heard.all?.length).toBe(3);
  await server.close();
  await Promise.all(listening);
  expect(heard.all).toMatchObject(all);
  expect(heard[mac]).toMatchObject(all.slice(0, 2));
});

test("without a server watch says so, and the verbs work on the state itself", async () => {
  const lab = { directory, lab: "/nowhere" };
  await expect(watchServer(directory, undefined, new AbortController().signal).next()).rejects.toMatchObject({
    code: "USAGE",
    message: "no server of this lab is running",
  });
  const context = { clock: systemClock };
  expect(await changeMachine(lab, mac, "approve", context)).toMatchObject({ state: "approved" });
  expect(await changeMachine(lab, mac, "retire", context)).toMatchObject({ state: "retired" });
  expect(await changeMachine(lab, mac, "reset", context)).toMatchObject({ state: "discovered" });
  expect(await listMachines(lab, Date.now())).toMatchObject([{ mac, state: "discovered" }]);
  const { timeline } = await showMachine(lab, mac, Date.now());
  const told = timeline?.boots.flatMap(({ parts }) =>
    parts.flatMap((part) => part.observations.map(({ what }) => what)),
  );
  expect(told).toEqual(["approved", "retired", "discovered"]);
  await expect(showMachine(lab, "node1", Date.now())).rejects.toMatchObject({ code: "MACHINE_NOT_FOUND" });
});

test("a lab's state is had by one process at a time, and found again by the lab", async () => {
  const paths = { config: directory, cache: directory, state: directory };
  const lab = { directory: join(directory, "netboot", "lab-1"), lab: "/srv/lab" };
  await expect(findLabState(paths, {}, "/")).rejects.toThrow("no lab was ever served here");
  {
    await using _held = await lockLabState(lab, undefined);
    await expect(lockLabState(lab, undefined)).rejects.toMatchObject({ code: "PROFILE_BUSY" });
  }
  expect(await findLabState(paths, {}, "/somewhere/else")).toEqual(lab);
  const second = { directory: join(directory, "netboot", "lab-2"), lab: "/srv/other" };
  await (await lockLabState(second, undefined)).release();
  await expect(findLabState(paths, {}, "/somewhere/else")).rejects.toMatchObject({
    hint: "add --lab with one of: /srv/lab, /srv/other",
  });
  await expect(findLabState(paths, { lab: "/srv/third" }, "/")).rejects.toThrow(
    "/srv/third was never served",
  );
});
