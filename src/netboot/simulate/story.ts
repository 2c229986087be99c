import type { IgnitionConfig } from "../../ignition/config.js";
import type { Decision } from "../decision.js";
import type { RanLine } from "./ipxe-state.js";
import type { SimulatedMachine } from "./machine.js";
import type { ShownPacket } from "./show-packet.js";

/** A boot that was simulated, from power-on as far as it goes. Plain data; this is what `-o json` prints. */
export interface Simulation {
  machine: SimulatedMachine & { name?: string; address?: string };
  network?: { interface?: string; address: string; subnet: string; mode: "dhcp" | "proxy" | "none" };
  boots: boolean;
  end: BootEnd;
  steps: Step[];
  kernel?: { url: string; args: string[]; initrds: string[] };
  ignition?: IgnitionConfig;
}

export interface BootEnd {
  /** The step at which it ends: `DHCP`, `boot file`, `boot script`, `kernel`, `Ignition`, `booted`. */
  at: string;
  because: string;
  /** What to do, where it does not boot. */
  fix?: string;
}

export type Step = DhcpStep | TftpStep | HttpStep | ScriptStep | NoteStep;

export interface DhcpStep {
  step: "dhcp";
  /** Which port it is sent to. */
  port: 67 | 4011;
  stage: "firmware" | "ipxe";
  request: ShownPacket;
  reply?: ShownPacket;
  /** Why there is no reply, or a NAK. */
  because?: string;
  decisions: Decision[];
}

export interface TftpStep {
  step: "tftp";
  file: string;
  server: string;
  /** Options of the request, and those that are granted. */
  asked: Record<string, string>;
  granted: Record<string, string>;
  bytes?: number;
  error?: string;
}

export interface HttpStep {
  step: "http";
  /** Who asks: `UEFI`, `iPXE`, `Ignition`. */
  client: string;
  method: string;
  url: string;
  status: number;
  contentType?: string;
  bytes: number;
  group?: string;
  profile?: string;
  error?: string;
  decisions: Decision[];
}

export interface ScriptStep {
  step: "script";
  url: string;
  /** As it was served. */
  text: string;
  ran: RanLine[];
}

export interface NoteStep {
  step: "note";
  text: string;
}
