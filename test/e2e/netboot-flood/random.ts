/** Numbers that look random, the same ones for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** xorshift32. @returns 0 … below - 1 */
  below(below: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % below;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

/** Bytes at which off-by-one and sign errors show. */
const edges = [0, 1, 0x7f, 0x80, 0xff];

/** A packet as it came out of a broken sender: some bytes others, a part gone, a part twice, or two packets in one. */
export function mutated(golden: Buffer, random: Random, other: Buffer = golden): Buffer {
  let bytes = Buffer.from(golden);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(bytes.length + 1);
    const length = random.below(Math.min(64, bytes.length - at) + 1);
    switch (random.below(8)) {
      case 0:
      case 1:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 2:
        if (at < bytes.length) bytes[at] = random.of(edges);
        break;
      case 3:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        break;
      case 4:
        bytes = bytes.subarray(0, at);
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 6:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    }
  }
  return bytes;
}
