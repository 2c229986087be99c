import type { CommandGroup } from "../command.js";
import { convert } from "./netboot/convert.js";
import { diff } from "./netboot/diff.js";
import { importDnsmasq } from "./netboot/import-dnsmasq.js";
import { lint } from "./netboot/lint.js";

export const command: CommandGroup = {
  name: "netboot",
  summary: "Boot bare metal over the network",
  description: "A lab says what boots how: a lab.yaml, a matchbox data directory, or both in one directory.",
  commands: [lint, diff, convert, importDnsmasq],
};
