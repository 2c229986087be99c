import { parseDocument } from "yaml";

/**
 * What is wrong with rendered cloud-init user data: it must be a script (`#!` …), or a `#cloud-config` that is a YAML mapping.
 * Undefined: nothing.
 */
export function cloudConfigProblem(text: string): string | undefined {
  const [header = ""] = text.split("\n", 1);
  if (header.startsWith("#!")) return undefined;
  if (header.trimEnd() !== "#cloud-config") return "it begins neither with #cloud-config nor with #!";
  const document = parseDocument(text, { uniqueKeys: false });
  const [error] = document.errors;
  if (error) return `it is not YAML: ${error.message.split("\n", 1)[0]}`;
  const contents: unknown = document.toJS({ maxAliasCount: 100 });
  if (contents === null || (typeof contents === "object" && !Array.isArray(contents))) return undefined;
  return "it is not a YAML mapping";
}
