import { isSlipwayError } from "../../../base/errors.js";
import { parseMac } from "../../../net/mac.js";
import type { LabForm } from "../lab-schema.js";
import type { Directive } from "./directives.js";
import { isIpv4 } from "./names.js";
import type { Note } from "./note.js";

type MachineForm = NonNullable<LabForm["machines"]>[number];

/** `dhcp-host=mac[,set:tag][,address][,name][,lease]` as a machine. */
export function importHosts(directives: readonly Directive[], note: Note): MachineForm[] {
  const machines = new Map<string, MachineForm>();
  for (const directive of directives) {
    if (directive.name !== "dhcp-host") continue;
    const fields = directive.value.split(",").map((field) => field.trim());
    const macs = fields.flatMap((field) => macOf(field) ?? []);
    const address = fields.find(isIpv4);
    const name = fields.find((field) => /^[a-z]([a-z0-9.-]*[a-z0-9])?$/i.test(field) && !isKeyword(field));
    if (fields.includes("ignore")) {
      note("lost", directive, "machines are not shut out one by one; those nobody approved boot nothing");
      continue;
    }
    if (macs.length === 0) {
      note("lost", directive, "a machine is described by its whole MAC address");
      continue;
    }
    for (const [i, mac] of macs.entries()) {
      const ownName =
        name === undefined ? `machine-${mac.replaceAll(":", "")}` : i === 0 ? name : `${name}-${i + 1}`;
      if (name === undefined) note("assumed", directive, `the name ${ownName}`);
      machines.set(mac, {
        name: ownName.toLowerCase(),
        mac,
        ...(address === undefined || i > 0 ? {} : { address }),
      });
    }
    if (macs.length > 1) note("lost", directive, `an address belongs to one MAC; it went to ${macs[0]}`);
    if (fields.some((field) => /^(set|tag|id|net):/.test(field))) {
      note("lost", directive, "tags and client ids are not kept; the machine is");
    }
  }
  return [...machines.values()];
}

const isKeyword = (field: string): boolean => field === "ignore" || field === "infinite";

function macOf(field: string): string | undefined {
  try {
    return /[:.-]/.test(field) ? parseMac(field) : undefined;
  } catch (error) {
    if (isSlipwayError(error, "ADDRESS_INVALID")) return undefined;
    throw error;
  }
}
