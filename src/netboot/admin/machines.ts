import { SlipwayError } from "../../base/errors.js";
import { didYouMean } from "../../base/nearest.js";
import { parseMac } from "../../net/mac.js";
import { loadSnapshot } from "../inventory/load.js";
import { readLives } from "../life/lives.js";
import type { LifeState, MachineLife } from "../life/types.js";
import { readTimeline } from "../timeline/recorder.js";
import { makeTimeline, makeTimelines, type Timeline } from "../timeline/timeline.js";
import type { LabState } from "./state-directory.js";

/** What can be said of a machine: by the lab, by its life, and by what was seen of it. */
export interface MachineStatus {
  /** In the lab. */
  name?: string;
  mac: string;
  address?: string;
  /** `unseen`: described, and never heard of. */
  state: LifeState | "unseen";
  life?: MachineLife;
  lastSeen?: string;
  /** What its last boot waits for, or waited for in vain. */
  waitsFor?: string;
  overdue?: boolean;
}

/** All machines that the lab describes or that were seen; the server may be running or not. */
export async function listMachines(state: LabState, now: number): Promise<MachineStatus[]> {
  const [lives, observations, names] = await Promise.all([
    readLives(state.directory),
    readTimeline(state.directory),
    namesIn(state.lab),
  ]);
  const timelines = new Map(makeTimelines(observations, now).map((timeline) => [timeline.machine, timeline]));
  const byMac = new Map(lives.map((life) => [life.mac, life]));
  const macs = new Set([...names.keys(), ...byMac.keys()]);
  return [...macs]
    .map((mac) => statusOf(mac, names.get(mac), byMac.get(mac), timelines.get(mac)))
    .sort((a, b) => compare(a.name ?? "\uffff", b.name ?? "\uffff") || compare(a.mac, b.mac));
}

/** One machine with all that was seen of it. @throws {SlipwayError} `MACHINE_NOT_FOUND` */
export async function showMachine(
  state: LabState,
  named: string,
  now: number,
): Promise<{ status: MachineStatus; timeline?: Timeline }> {
  const names = await namesIn(state.lab);
  const mac = macOf(named, names);
  const [lives, observations] = await Promise.all([
    readLives(state.directory),
    readTimeline(state.directory),
  ]);
  const life = lives.find((each) => each.mac === mac);
  const timeline = makeTimeline(observations, mac, now);
  if (life === undefined && timeline === undefined && !names.has(mac)) throw neverSeen(named);
  return { status: statusOf(mac, names.get(mac), life, timeline), ...(timeline ? { timeline } : {}) };
}

/** The MAC that is meant by a MAC or a name in the lab. @throws {SlipwayError} `MACHINE_NOT_FOUND` */
export const resolveMachine = async ({ lab }: LabState, named: string): Promise<string> =>
  isMac(named) ? parseMac(named) : macOf(named, await namesIn(lab));

function macOf(named: string, names: ReadonlyMap<string, string>): string {
  if (isMac(named)) return parseMac(named);
  for (const [mac, name] of names) if (name === named) return mac;
  throw neverSeen(named, didYouMean(named, names.values()));
}

const isMac = (text: string): boolean =>
  /^[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}$|^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i.test(text);

const neverSeen = (
  named: string,
  hint = "slipway netboot machines lists them, by name and MAC address",
): SlipwayError => new SlipwayError("MACHINE_NOT_FOUND", `there is no machine ${named}`, { hint });

/** By MAC. A lab that is broken at the moment has no names: what was seen is still to be told. */
async function namesIn(lab: string): Promise<ReadonlyMap<string, string>> {
  const loaded = await loadSnapshot(lab).catch(() => undefined);
  return new Map([...(loaded?.snapshot?.machines.byMac ?? [])].map(([mac, { name }]) => [mac, name]));
}

function statusOf(
  mac: string,
  name: string | undefined,
  life: MachineLife | undefined,
  timeline: Timeline | undefined,
): MachineStatus {
  const lastSeen = [life?.lastSeen, timeline?.lastSeen]
    .filter((time) => time !== undefined)
    .sort()
    .at(-1);
  const missing = life?.state === "retired" || life?.installed ? undefined : timeline?.missing;
  return {
    ...(name === undefined ? {} : { name }),
    mac,
    ...(life?.address === undefined ? {} : { address: life.address }),
    state: life?.state ?? "unseen",
    ...(life === undefined ? {} : { life }),
    ...(lastSeen === undefined ? {} : { lastSeen }),
    ...(missing === undefined ? {} : { waitsFor: missing.next, overdue: missing.overdue }),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
