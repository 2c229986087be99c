import type { Decide } from "../decision.js";
import type { MachineIndex } from "../inventory/snapshot.js";
import type { Machine } from "../inventory/types.js";
import type { BootServer } from "./boot-file.js";
import type { DhcpPacket } from "./codec.js";
import type { Client } from "./firmware.js";
import type { LeaseChange, LeaseView } from "./leases.js";
import type { DhcpNetwork } from "./network.js";
import type { MessageType } from "./options.js";

/** All that an answer follows from, besides the packet. */
export interface DhcpView {
  network: DhcpNetwork;
  boot: BootServer;
  machines: MachineIndex;
  leases: LeaseView;
  /** Whether this machine boots from the network now; an installed one, say, does not. */
  netboots: (mac: string | undefined) => boolean;
  /** Milliseconds since 1970. */
  now: number;
}

/** One request on its way to its answer. */
export interface Turn {
  request: DhcpPacket;
  view: DhcpView;
  asked: MessageType | "BOOTP";
  client: Client;
  mac?: string;
  machine?: Machine;
  decide: Decide;
  /** Why a client that asks to be booted is told of no file. */
  noBootFile?: string;
}

/** What a request comes to. Data: nothing was sent or changed yet. */
export interface DhcpAnswer {
  /** What came. A BOOTP request has no type. */
  asked: MessageType | "BOOTP";
  client: Client;
  mac?: string;
  machine?: Machine;
  reply?: { packet: DhcpPacket; type: MessageType | "BOOTREPLY"; to: { address: string; port: number } };
  /** To be on disk before the reply goes out. */
  change?: LeaseChange;
  /** Address of another server, which the client took. */
  otherServer?: string;
  /** Why there is no reply, a NAK, or nothing to boot. */
  because?: string;
  /** Why a client that asks to be booted is told of no file. */
  noBootFile?: string;
}

/** Of a machine that asks what to boot, and gets an address alone. */
export const bootsNothingText = "it is not to boot from the network now";
