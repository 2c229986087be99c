import type { Socket } from "node:dgram";
import { isSlipwayError } from "../../base/errors.js";
import { openInterfaceUdp } from "../../net/interface-udp.js";
import type { DhcpLab } from "./lab.js";

/** What a socket is for. */
export type Role =
  /** Broadcasts to port 67. */
  | "broadcasts"
  /** What is sent to our own address's port 67. All replies of its network go out here. */
  | "server"
  /** Port 4011 of our own address. */
  | "boot-server"
  /** Broadcasts to port 68: what servers say to clients. */
  | "overheard";

export interface DhcpPorts {
  server: number;
  client: number;
  bootServer: number;
}

export interface Ear {
  role: Role;
  interface: string | undefined;
  /** Of this server, on that network; another one when the network's changes. */
  address: string;
  socket: Socket;
}

/** What came of opening sockets. */
export interface Adjusted {
  /** Why other servers cannot be overheard, where they cannot: a client of this host has the port for itself. */
  deaf: string[];
  /** Why requests of a network cannot be heard, by interface. */
  failed: { interface: string | undefined; address: string; error: unknown }[];
}

interface WantedEar extends Omit<Ear, "socket"> {
  bindTo: { address: string; port: number };
}

/** 255.255.255.255 */
const everybody = "255.255.255.255";

/** A socket bound to an address hears no broadcasts, one bound to 255.255.255.255 nothing else: it takes both. */
function wantedEars({ networks }: DhcpLab, ports: DhcpPorts): Map<string, WantedEar> {
  const wanted = new Map<string, WantedEar>();
  const want = (role: Role, address: string, port: number, own: string, name: string | undefined) =>
    wanted.set([role, address, port, name].join(" "), {
      role,
      address: own,
      interface: name,
      bindTo: { address, port },
    });
  for (const { network } of networks) {
    if (network.mode === "none") continue;
    const { address, interface: name } = network;
    want("server", address, ports.server, address, name);
    want("boot-server", address, ports.bootServer, address, name);
    if (name === undefined) continue;
    // Several networks on one wire share them.
    want("broadcasts", everybody, ports.server, address, name);
    want("overheard", everybody, ports.client, address, name);
  }
  return wanted;
}

/** The sockets of all networks that are served. */
export class Ears {
  readonly #ports: DhcpPorts;
  readonly #open = new Map<string, Ear>();
  readonly #onOpen: (ear: Ear) => void;

  constructor(ports: DhcpPorts, onOpen: (ear: Ear) => void) {
    this.#ports = ports;
    this.#onOpen = onOpen;
  }

  /** Closes what is needed no more, opens what is missing. What cannot be opened is tried again the next time. */
  async adjust(lab: DhcpLab): Promise<Adjusted> {
    const wanted = wantedEars(lab, this.#ports);
    const result: Adjusted = { deaf: [], failed: [] };
    await Promise.all(
      [...this.#open.keys()].filter((key) => !wanted.has(key)).map((key) => this.#close(key)),
    );
    for (const [key, { bindTo, ...ear }] of wanted) {
      const known = this.#open.get(key);
      if (known) {
        known.address = ear.address;
        continue;
      }
      try {
        const opened = { ...ear, socket: await openInterfaceUdp({ ...bindTo, interface: ear.interface }) };
        this.#open.set(key, opened);
        this.#onOpen(opened);
      } catch (error) {
        if (ear.role === "overheard" && isSlipwayError(error, "PORT_IN_USE")) result.deaf.push(error.message);
        else result.failed.push({ interface: ear.interface, address: ear.address, error });
      }
    }
    return result;
  }

  /** The socket that speaks for this server on a network. */
  voice(address: string, interfaceName: string | undefined): Socket | undefined {
    const key = ["server", address, this.#ports.server, interfaceName].join(" ");
    return this.#open.get(key)?.socket;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((key) => this.#close(key)));
  }

  async #close(key: string): Promise<void> {
    const ear = this.#open.get(key);
    this.#open.delete(key);
    if (ear) await new Promise<void>((resolve) => ear.socket.close(() => resolve()));
  }
}
