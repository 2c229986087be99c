import type { Observation } from "../observation.js";
import { noRouterHere, solicitingMac } from "./icmp.js";
import type { Solicitation, SolicitationSocket } from "./socket.js";

/** How long after iPXE got its address from us it may still ask for routers: it gives up after 16 seconds. */
const asksForMs = 30_000;

/** Machines that are remembered; more do not boot in that time. */
const maxMachines = 10_000;

/**
 * iPXE waits for an IPv6 router before it runs its script, 16 seconds if there is none (src/net/ndp.c; the retry timer of
 * src/net/retry.c doubles from 0.25 s). One that got its IPv4 address from this server is told that here is none to use, and
 * goes on at once. It alone is told, so nobody's IPv6 changes; and only after a router that is there would have spoken.
 */
export class RouterSolicitations {
  readonly #leased = new Map<string, number>();

  /** Takes what the DHCP server did. */
  readonly take = ({ mac, stage, what, outcome, time, details }: Observation): void => {
    if (mac === undefined || stage !== "dhcp" || outcome !== "ok") return;
    if (!/→ ACK$/.test(what) || !details.firmware?.startsWith("ipxe")) return;
    if (this.#leased.size >= maxMachines) this.#leased.clear();
    this.#leased.set(mac, Date.parse(time));
  };

  /** Answers if it is such a machine. @param now milliseconds since 1970 */
  answer({ from, message }: Solicitation, socket: SolicitationSocket, now: number): void {
    const mac = solicitingMac(message);
    const leasedAt = mac === undefined ? undefined : this.#leased.get(mac);
    if (leasedAt === undefined || !from.startsWith("fe80:")) return;
    if (now - leasedAt > asksForMs) this.#leased.delete(mac!);
    else if (now - leasedAt > afterMs) socket.send(from, noRouterHere);
  }
}

/** Routers answer within half a second (RFC 4861 §10, MAX_RA_DELAY_TIME); iPXE asks 0.01, 0.35 and 0.96 s after it was given its address. */
const afterMs = 500;
