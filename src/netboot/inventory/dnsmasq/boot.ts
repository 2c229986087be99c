import type { LabForm } from "../lab-schema.js";
import type { Directive } from "./directives.js";
import type { Note } from "./note.js";

/** Which firmware a value of DHCP option 93 is (RFC 4578, IANA's registry of processor architectures). */
const architectures: Record<number, string> = {
  0: "BIOS",
  6: "UEFI ia32",
  7: "UEFI x64",
  9: "UEFI x64",
  10: "UEFI arm32",
  11: "UEFI arm64",
  15: "UEFI ia32 over HTTP",
  16: "UEFI x64 over HTTP",
  18: "UEFI arm32 over HTTP",
  19: "UEFI arm64 over HTTP",
};

/** What CSA a pxe-service is for, as dnsmasq(8) names them. */
const services: Record<string, string> = {
  x86pc: "BIOS",
  ia32_efi: "UEFI ia32",
  bc_efi: "UEFI x64",
  "x86-64_efi": "UEFI x64",
  arm32_efi: "UEFI arm32",
  arm64_efi: "UEFI arm64",
};

const ipxeBinary =
  /(^|\/)(undionly\.(k?k?pxe)|(i|s|sn)pxe.*\.efi|snp(only)?.*\.efi|ipxe.*\.(efi|pxe|lkrn|0))(\.0)?$/;

/**
 * What machines boot: which firmware gets which binary is built in, and so is the step from iPXE to the script of this
 * server. Its URL is carried over.
 */
export function importBoot(directives: readonly Directive[], note: Note): Pick<LabForm, "http"> {
  const tags = new Map<string, string>();
  let http: LabForm["http"];
  for (const directive of directives) {
    const { name, value } = directive;
    const fields = value.split(",").map((field) => field.trim());
    switch (name) {
      case "dhcp-match":
      case "dhcp-vendorclass": {
        const tag = /^set:(.+)$/.exec(fields[0] ?? "")?.[1] ?? fields[0]!;
        const architecture = architectureOf(value);
        if (architecture !== undefined) {
          tags.set(tag, architecture);
          note("built-in", directive, `${architecture} is told by its option 93`);
        } else if (/client-arch|\b93\b/.test(value))
          note("lost", directive, "slipway knows no such architecture");
        else if (/ipxe|\b175\b/i.test(value)) {
          tags.set(tag, "iPXE");
          note("built-in", directive, "iPXE is told by its user class");
        } else note("lost", directive, "there are no tags; give the machine labels, or a quirk");
        break;
      }
      case "dhcp-userclass": {
        const tag = /^set:(.+)$/.exec(fields[0] ?? "")?.[1] ?? fields[0]!;
        if (/ipxe/i.test(fields[1] ?? "")) {
          tags.set(tag, "iPXE");
          note("built-in", directive, "iPXE is told by its user class");
        } else note("lost", directive, "there are no tags; give the machine labels, or a quirk");
        break;
      }
      case "dhcp-boot":
        http = importBootFile(directive, fields, tags, note) ?? http;
        break;
      case "pxe-service":
        importService(directive, fields, note);
        break;
      case "pxe-prompt":
        note("lost", directive, "slipway shows no PXE menu; machines nobody described get the menu of iPXE");
    }
  }
  return http ? { http } : {};
}

function architectureOf(value: string): string | undefined {
  const number = /(?:option:client-arch|93),\s*(\d+)$/.exec(value)?.[1] ?? /Arch:0*(\d+)/i.exec(value)?.[1];
  return number === undefined ? undefined : architectures[Number(number)];
}

function importBootFile(
  directive: Directive,
  fields: readonly string[],
  tags: ReadonlyMap<string, string>,
  note: Note,
): LabForm["http"] | undefined {
  const wanted = fields.flatMap((field) => /^(?:tag|net):(.+)$/.exec(field)?.[1] ?? []);
  const [file = "", serverName, serverAddress] = fields.filter((field) => !/^(tag|net):/.test(field));
  const unknown = wanted.filter((tag) => !tags.has(tag.replace(/^!/, "")));
  if (unknown.length > 0) {
    note("lost", directive, `nothing that slipway knows sets the tag ${unknown.join(", ")}`);
    return undefined;
  }
  if (serverAddress || serverName) {
    note("lost", directive, "slipway serves boot files itself, from its own address");
    return undefined;
  }
  const script = /^(https?:\/\/[^/\s]+)(\/boot\.ipxe(?:\.0)?)$/.exec(file);
  if (script) {
    const { port, protocol } = new URL(file);
    note(
      "built-in",
      directive,
      "iPXE gets the address of slipway's own boot.ipxe; its URL is kept in http.url",
    );
    const isPlain = protocol === "http:";
    return { url: script[1]!, ...(isPlain ? { port: port === "" ? 80 : Number(port) } : {}) };
  }
  if (/^https?:/.test(file)) {
    note("lost", directive, "iPXE gets slipway's own boot.ipxe; chain another script from a boot profile");
  } else if (ipxeBinary.test(file)) {
    const who = wanted.map((tag) => tags.get(tag.replace(/^!/, ""))).filter((name) => name !== undefined);
    note("built-in", directive, `slipway gives ${who.join(", ") || "each firmware"} the iPXE that fits`);
  } else {
    note("lost", directive, `slipway boots machines by iPXE, and does not serve ${file || "this file"}`);
  }
  return undefined;
}

function importService(directive: Directive, fields: readonly string[], note: Note): void {
  const [kind = "", , file = ""] = fields.filter((field) => !/^(tag|net):/.test(field));
  const architecture = services[kind.toLowerCase()] ?? architectures[Number(kind)];
  if (architecture === undefined)
    note("lost", directive, `slipway knows no firmware ${JSON.stringify(kind)}`);
  else if (ipxeBinary.test(file)) {
    note("built-in", directive, `slipway gives ${architecture} the iPXE that fits, without a menu`);
  } else note("lost", directive, `slipway boots ${architecture} by iPXE, without a menu`);
}
