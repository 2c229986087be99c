/** A directory as a page of links, sorted by name. @param entries directories' names end in a slash */
export function listingPage(entries: readonly string[]): string {
  const sorted = [...entries].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return [
    "<!doctype html>",
    '<meta name="viewport" content="width=device-width">',
    "<pre>",
    ...sorted.map((name) => `<a href="${link(name)}">${escaped(name)}</a>`),
    "</pre>",
    "",
  ].join("\n");
}

/** Colons too are encoded: no name looks as if it began with a scheme. */
const link = (name: string): string => escaped(name.split("/").map(encodeURIComponent).join("/"));

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);
