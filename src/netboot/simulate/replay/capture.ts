import { SlipwayError } from "../../../base/errors.js";

/** A packet of a capture file. */
export interface Captured {
  /** Milliseconds since 1970. */
  time: number;
  linkType: number;
  bytes: Buffer;
}

/**
 * Packets of a capture: pcap (draft-ietf-opsawg-pcap) of either byte order, in micro- or nanoseconds, and pcapng
 * (draft-ietf-opsawg-pcapng). What follows a torn end is left out, as captures that were cut off have one.
 *
 * @throws {SlipwayError} `CONFIG_INVALID` when it is neither
 */
export function readCapture(file: Buffer, name: string): Captured[] {
  const magic = file.length >= 24 ? file.readUInt32BE(0) : 0;
  if (magic === 0x0a0d0d0a) return [...pcapngPackets(file)];
  const known = classic[magic];
  if (known) return [...pcapPackets(file, known)];
  throw new SlipwayError("CONFIG_INVALID", `${name} is no capture: it is neither pcap nor pcapng`, {
    hint: "tcpdump -i br0 -w boot.pcap 'port 67 or port 68 or port 69 or port 4011 or tcp' writes one",
  });
}

interface Classic {
  little: boolean;
  ticksPerMs: number;
}

/** Magic numbers as they stand in the file. */
const classic: Readonly<Record<number, Classic>> = {
  2712847316: { little: false, ticksPerMs: 1000 },
  3569595041: { little: true, ticksPerMs: 1000 },
  2712812621: { little: false, ticksPerMs: 1_000_000 },
  1295823521: { little: true, ticksPerMs: 1_000_000 },
};

const reader = (file: Buffer, little: boolean) => ({
  u16: (at: number) => (little ? file.readUInt16LE(at) : file.readUInt16BE(at)),
  u32: (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at)),
});

function* pcapPackets(file: Buffer, { little, ticksPerMs }: Classic): Generator<Captured> {
  const { u32 } = reader(file, little);
  const linkType = u32(20) & 0xffff;
  for (let at = 24; at + 16 <= file.length; ) {
    const length = u32(at + 8);
    if (at + 16 + length > file.length) return;
    const time = u32(at) * 1000 + u32(at + 4) / ticksPerMs;
    yield { time, linkType, bytes: file.subarray(at + 16, at + 16 + length) };
    at += 16 + length;
  }
}

interface Interface {
  linkType: number;
  ticksPerSecond: bigint;
}

const blocks = { section: 0x0a0d0d0a, interface: 1, simple: 3, enhanced: 6 };

function* pcapngPackets(file: Buffer): Generator<Captured> {
  let { u16, u32 } = reader(file, true);
  let interfaces: Interface[] = [];
  for (let at = 0; at + 12 <= file.length; ) {
    const isSection = file.readUInt32BE(at) === blocks.section;
    if (isSection) {
      if (at + 16 > file.length) return;
      ({ u16, u32 } = reader(file, file.readUInt32LE(at + 8) === 0x1a2b3c4d));
      interfaces = [];
    }
    const type = u32(at);
    const length = u32(at + 4);
    if (length < 12 || at + length > file.length) return;
    if (type === blocks.interface && length >= 20) {
      interfaces.push({
        linkType: u16(at + 8),
        ticksPerSecond: resolution(file, at + 16, at + length - 4, u16),
      });
    } else if (type === blocks.enhanced && length >= 32) {
      const from = interfaces[u32(at + 8)];
      const size = u32(at + 20);
      if (from && 32 + size <= length) {
        const ticks = (BigInt(u32(at + 12)) << 32n) | BigInt(u32(at + 16));
        const time = Number((ticks * 1000n) / from.ticksPerSecond);
        yield {
          time: time <= latest ? time : 0,
          linkType: from.linkType,
          bytes: file.subarray(at + 28, at + 28 + size),
        };
      }
    } else if (type === blocks.simple && interfaces[0] && length >= 16) {
      const size = Math.min(u32(at + 8), length - 16);
      yield { time: 0, linkType: interfaces[0].linkType, bytes: file.subarray(at + 12, at + 12 + size) };
    }
    at += length;
  }
}

/** The last moment that a Date can say. */
const latest = 8.64e15;

/** Option 9 (if_tsresol) of an interface: a power of ten, or of two; else microseconds. */
function resolution(file: Buffer, from: number, to: number, u16: (at: number) => number): bigint {
  for (let at = from; at + 4 <= to; ) {
    const [code, length] = [u16(at), u16(at + 2)];
    if (code === 0) break;
    if (code === 9 && at + 4 < to) {
      const value = file[at + 4]!;
      return (value & 0x80 ? 2n : 10n) ** BigInt(value & 0x7f);
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return 1_000_000n;
}
