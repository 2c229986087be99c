import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { messageOf, SlipwayError } from "../../../base/errors.js";
import { defineCommand } from "../../command.js";
import { usage } from "../../usage.js";

const titles = {
  lost: "not carried over",
  assumed: "assumed",
  "built-in": "built in now",
} as const;

export const importDnsmasq = defineCommand({
  name: "netboot import-dnsmasq",
  summary: "Make a lab.yaml of dnsmasq's flags, or of a dnsmasq.conf",
  description:
    "Prints the lab.yaml, and says on stderr what is built in now, what was assumed and what could not be carried over.",
  arguments: [
    {
      name: "FLAGS",
      summary: "After --: the flags of dnsmasq, or the whole command line",
      optional: true,
      variadic: true,
    },
  ],
  flags: {
    conf: {
      type: "string",
      value: "FILE",
      summary: "A dnsmasq.conf; flags are read after it",
      complete: "file",
    },
    address: {
      type: "string",
      value: "ADDRESS",
      summary: "This server's address, which dnsmasq takes from its interface",
    },
  },
  examples: [
    ["netboot import-dnsmasq --conf /etc/dnsmasq.conf > lab/lab.yaml", "of a file"],
    ["netboot import-dnsmasq -- --dhcp-range=192.168.1.3,192.168.1.254 --enable-tftp", "of flags"],
  ],
  async run(cli, words, { conf, address }) {
    if (words.length === 0 && conf === undefined) {
      throw usage(
        "netboot import-dnsmasq needs flags after --, or --conf",
        "slipway netboot import-dnsmasq --help",
      );
    }
    const [{ readConf, readFlags }, { importDnsmasq }, { labText }, { parseAddress }] = await Promise.all([
      import("../../../netboot/inventory/dnsmasq/directives.js"),
      import("../../../netboot/inventory/dnsmasq/import.js"),
      import("../../../netboot/inventory/convert/lab.js"),
      import("../../../net/address.js"),
    ]);
    if (address !== undefined) parseAddress(address);
    const directives = [
      ...(conf === undefined ? [] : readConf(await readText(resolve(cli.workingDirectory, conf)), conf)),
      ...readFlags(words),
    ];
    const { lab, notes } = importDnsmasq(directives, { address });
    const text = labText(lab);
    for (const kind of ["built-in", "assumed", "lost"] as const) {
      for (const { option, message } of notes.filter((note) => note.kind === kind)) {
        const line = `${titles[kind]}: ${option === "" ? message : `${option}: ${message}`}`;
        cli.context.events(
          kind === "built-in" ? { type: "info", message: line } : { type: "warning", message: line },
        );
      }
    }
    cli.print(text.trimEnd());
  },
});

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new SlipwayError("CONFIG_INVALID", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  });
}
