const [lf, cr, nul] = [0x0a, 0x0d, 0x00];

/** Each file is turned once, however many ask for it. */
const turned = new WeakMap<Buffer, Buffer>();

export function netasciiOf(file: Buffer): Buffer {
  const known = turned.get(file) ?? toNetascii(file);
  turned.set(file, known);
  return known;
}

/** A file in netascii: lines end with CR LF, a bare CR is CR NUL (RFC 764 through RFC 1350 §1). */
function toNetascii(bytes: Uint8Array): Buffer {
  let more = 0;
  for (const byte of bytes) if (byte === lf || byte === cr) more++;
  const out = Buffer.allocUnsafe(bytes.length + more);
  let at = 0;
  for (const byte of bytes) {
    if (byte === lf) out[at++] = cr;
    out[at++] = byte;
    if (byte === cr) out[at++] = nul;
  }
  return out;
}
