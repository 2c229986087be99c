const pathPart = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const grammar = new RegExp(
  `^(?<path>${pathPart}(?:/${pathPart})*)(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);
const domainGrammar = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;

/**
 * An image reference in full: `nginx` → `docker.io/library/nginx:latest`, as the container runtime and the kubelet
 * read it (github.com/distribution/reference, normalize.go).
 *
 * @throws {Error} when it is no reference
 */
export function normalizeReference(reference: string): string {
  const slash = reference.indexOf("/");
  const first = reference.slice(0, Math.max(slash, 0));
  const hasDomain = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const domain = hasDomain ? first : "docker.io";
  const parts = grammar.exec(hasDomain ? reference.slice(slash + 1) : reference)?.groups;
  if (!parts?.path || !domainGrammar.test(domain)) throw new Error(`"${reference}" is no image reference`);
  const official = domain === "docker.io" && !parts.path.includes("/") ? "library/" : "";
  const tag = parts.tag ?? (parts.digest ? undefined : "latest");
  return `${domain === "index.docker.io" ? "docker.io" : domain}/${official}${parts.path}${tag ? `:${tag}` : ""}${parts.digest ? `@${parts.digest}` : ""}`;
}
