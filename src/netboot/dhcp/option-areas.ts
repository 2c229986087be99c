/** What of a packet there is to write, and whether `file` and `sname` are free for it. */
interface Written {
  options: ReadonlyMap<number, Buffer>;
  file: string;
  sname: string;
}

const end = 255;
const overload = 52;
/** Option 53 goes first, as some clients look for it there; option 82 last (RFC 3046 §2.1). */
const messageType = 53;
const relayAgent = 82;

/** Bytes that options may have in `file` and `sname`, with the end mark (RFC 2132 §9.3). */
const areas = { file: { at: 108, length: 128, flag: 1 }, sname: { at: 44, length: 64, flag: 2 } } as const;

interface Area {
  at: number;
  /** Where its end mark goes at the latest. */
  end: number;
  flag: number;
}

const lengthOf = (value: Uint8Array): number => value.length + 2 * Math.max(1, Math.ceil(value.length / 255));

/**
 * Writes a packet's options into its buffer: into `file` and `sname` too, where these are empty and the rest has no room.
 *
 * @param start where the options field begins, after the cookie; it goes to the buffer's end
 * @returns where the options field ends now, and the codes for which there was no room
 */
export function writeOptions(
  buffer: Buffer,
  start: number,
  packet: Written,
): { written: number; leftOut: number[] } {
  let needed = 0;
  for (const value of packet.options.values()) needed += lengthOf(value);
  const main: Area = { at: start, end: buffer.length - 1, flag: 0 };
  const others: Area[] = [];
  if (start + needed > main.end) {
    if (packet.file === "") others.push(areaOf("file"));
    if (packet.sname === "") others.push(areaOf("sname"));
    // Room for option 52 itself.
    if (others.length > 0) main.end -= 3;
  }
  const relayed = packet.options.get(relayAgent);
  // Kept for it: a relay that does not get its own back may drop the answer.
  if (relayed) main.end -= lengthOf(relayed);
  const leftOut: number[] = [];
  const put = (code: number, value: Buffer | undefined) => {
    if (value !== undefined && !writeOption(buffer, [main, ...others], code, value)) leftOut.push(code);
  };
  put(messageType, packet.options.get(messageType));
  for (const [code, value] of packet.options) {
    if (code !== messageType && code !== relayAgent) put(code, value);
  }
  const used = others.filter(({ at, flag }) => at > areaAt(flag));
  for (const { at } of used) buffer[at] = end;
  if (others.length > 0) main.end += 3;
  if (used.length > 0) {
    const flags = used.reduce((sum, { flag }) => sum | flag, 0);
    writeParts(buffer, main, overload, Buffer.of(flags));
  }
  if (relayed) {
    main.end += lengthOf(relayed);
    if (!writeOption(buffer, [main], relayAgent, relayed)) leftOut.push(relayAgent);
  }
  buffer[main.at++] = end;
  return { written: main.at, leftOut };
}

const areaAt = (flag: number): number => (flag === areas.file.flag ? areas.file.at : areas.sname.at);

const areaOf = (name: keyof typeof areas): Area => ({
  at: areas[name].at,
  end: areas[name].at + areas[name].length - 1,
  flag: areas[name].flag,
});

/** Into the first area that has room; a long one in parts, which are read in the order of the areas (RFC 3396 §5). */
function writeOption(buffer: Buffer, into: readonly Area[], code: number, value: Buffer): boolean {
  const area = into.find(({ at, end }) => at + lengthOf(value) <= end);
  if (area) {
    writeParts(buffer, area, code, value);
    return true;
  }
  if (value.length <= 255) return false;
  const plan: { area: Area; length: number }[] = [];
  let left = value.length;
  for (const candidate of into) {
    const room = candidate.end - candidate.at;
    // Full parts, and one more for the rest of the room.
    const fits = 255 * Math.floor(room / 257) + Math.max(0, (room % 257) - 2);
    const length = Math.min(left, fits);
    if (length > 0) plan.push({ area: candidate, length });
    left -= length;
  }
  if (left > 0) return false;
  let from = 0;
  for (const { area: part, length } of plan) {
    writeParts(buffer, part, code, value.subarray(from, from + length));
    from += length;
  }
  return true;
}

function writeParts(buffer: Buffer, area: Area, code: number, value: Buffer): void {
  for (let from = 0; from === 0 || from < value.length; from += 255) {
    const part = value.subarray(from, from + 255);
    buffer[area.at] = code;
    buffer[area.at + 1] = part.length;
    buffer.set(part, area.at + 2);
    area.at += 2 + part.length;
  }
}
