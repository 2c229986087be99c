const text = "text/plain; charset=utf-8";
const html =
  /^[\t\n\f\r ]*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)(?:[ >]|(?<=!--))/i;

/**
 * What Go's http.DetectContentType makes of rendered text (mimesniff.spec.whatwg.org §7); matchbox leaves the type of all its
 * documents but JSON to it.
 */
export function sniffContentType(body: Uint8Array): string {
  const start = Buffer.from(body.subarray(0, 512)).toString("latin1");
  if (html.test(start)) return "text/html; charset=utf-8";
  if (/^[\t\n\f\r ]*<\?xml/.test(start)) return "text/xml; charset=utf-8";
  if (start.startsWith("%PDF-")) return "application/pdf";
  if (start.startsWith("%!PS-Adobe-")) return "application/postscript";
  if (/^\xfe\xff../s.test(start)) return "text/plain; charset=utf-16be";
  if (/^\xff\xfe../s.test(start)) return "text/plain; charset=utf-16le";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what makes it binary
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(start) ? "application/octet-stream" : text;
}
