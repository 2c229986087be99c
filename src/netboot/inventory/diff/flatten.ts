import { decodeDataUrl } from "../../../ignition/data-url.js";

/** What names an entry of a list in an Ignition config, so that one that moved is not one that changed. */
const names = ["path", "name", "device", "label", "source"];

/** A value's leaves by their paths: `storage.files[/etc/hostname].contents.source` → `node1`. */
export function leaves(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (part: unknown, path: string): void => {
    if (Array.isArray(part)) {
      const seen = new Map<string, number>();
      for (const [i, item] of part.entries()) {
        const name = nameOf(item) ?? String(i);
        const times = seen.get(name) ?? 0;
        seen.set(name, times + 1);
        visit(item, `${path}[${times === 0 ? name : `${name} #${times + 1}`}]`);
      }
    } else if (typeof part === "object" && part !== null) {
      for (const [key, child] of Object.entries(part)) visit(child, path === "" ? key : `${path}.${key}`);
    } else if (part !== undefined) {
      found.set(path, leafText(part));
    }
  };
  visit(value, "");
  return found;
}

function nameOf(item: unknown): string | undefined {
  if (typeof item === "string") return item.length > 40 ? `${item.slice(0, 39)}…` : item;
  if (typeof item !== "object" || item === null) return undefined;
  const named = names.map((name) => (item as Record<string, unknown>)[name]);
  return named.find((name): name is string => typeof name === "string" && name.length <= 200);
}

function leafText(leaf: unknown): string {
  if (typeof leaf !== "string") return JSON.stringify(leaf);
  if (!leaf.startsWith("data:")) return leaf;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(decodeDataUrl(leaf));
  } catch {
    return leaf; // bytes, packed ones among them
  }
}
