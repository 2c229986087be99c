/** iPXE's settings (`${mac:hexhyp}`) of one machine, by their names in lower case, without a scope. */
export class IpxeSettings {
  readonly #values: Map<string, string>;

  constructor(values: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(values));
  }

  get(name: string): string | undefined {
    return this.#values.get(plain(name));
  }

  set(name: string, value: string): void {
    this.#values.set(plain(name), value);
  }

  clear(name: string): void {
    this.#values.delete(plain(name));
  }

  /** A text with its settings filled in, the innermost first; what is not set is empty. */
  expand(text: string): string {
    let expanded = text;
    for (;;) {
      const end = innermost.exec(expanded);
      if (!end) return expanded;
      const [whole, name = ""] = end;
      const value = this.#formatted(name);
      expanded = expanded.slice(0, end.index) + value + expanded.slice(end.index + whole.length);
    }
  }

  #formatted(reference: string): string {
    const [, name = reference, type = ""] = /^(.*):(\w+)$/.exec(reference) ?? [];
    const value = this.get(name);
    if (value === undefined) return "";
    return formatted(value, type);
  }
}

const innermost = /\$\{([^${}]*)\}/;

/** Without `net0/`, `netX/`, `smbios/`: one machine, one card. */
const plain = (name: string): string => name.toLowerCase().replace(/^.*\//, "");

/** Types of settings (ipxe.org/cfg): as text, as bytes in hex, or as part of a URL. */
function formatted(value: string, type: string): string {
  const isHardware = /^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(value);
  const bytes = isHardware ? Buffer.from(value.replaceAll(":", ""), "hex") : Buffer.from(value);
  switch (type) {
    case "hexhyp":
      return pairs(bytes).join("-");
    case "hex":
      return pairs(bytes).join(":");
    case "hexraw":
      return pairs(bytes).join("");
    case "uristring":
      return encodeURIComponent(value);
    default:
      return value;
  }
}

const pairs = (bytes: Buffer): string[] => bytes.toString("hex").match(/../g) ?? [];
