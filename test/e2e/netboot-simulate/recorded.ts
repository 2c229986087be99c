import { systemClock } from "../../../src/base/clock.js";
import { loadSnapshot } from "../../../src/netboot/inventory/load.js";
import type { SimulatedFirmware } from "../../../src/netboot/simulate/machine.js";
import { simulateBoot } from "../../../src/netboot/simulate/simulate-boot.js";
import { defaultUuid } from "../../../src/netboot/simulate/uuid.js";
import { RecordingServer, type Said } from "./words.js";

/** A simulated boot, with all that was said and answered in it. */
export async function recorded(
  lab: string,
  bootFiles: ReadonlyMap<string, Buffer>,
  { firmware, mac }: { firmware: SimulatedFirmware; mac: string },
) {
  const { snapshot } = await loadSnapshot(lab);
  const networks = snapshot!.networks;
  await using server = new RecordingServer({ snapshot: snapshot!, networks, bootFiles, clock: systemClock });
  const machine = { mac, firmware, uuid: defaultUuid(mac), labels: {} };
  const simulation = await simulateBoot({ server, machine, network: networks[0] });
  return { words: server.words, said: server.said, simulation };
}

/** What is compared of an answer: all of a packet; of HTTP what a client looks at. */
export const comparable = (said: Said | undefined) =>
  said === null || said === undefined || "hex" in said
    ? said
    : {
        status: said.status,
        body: said.body,
        type: said.headers["content-type"],
        length: said.headers["content-length"],
      };
