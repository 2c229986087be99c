import { encodeAck, encodeError, encodeOptionAck, encodeRequest } from "../../../src/netboot/tftp/codec.js";
import { mutated, type Random } from "./random.js";

const files = [
  ...["undionly.kpxe", "ipxe.efi", "snponly.efi", "/ipxe.efi", "EFI\\ipxe.efi", "ipxe.efi\xff\xff"],
  ...[
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\etc\\passwd",
    "%2e%2e/etc/passwd",
    "....//etc/passwd",
    "ipxe.efi/..",
  ],
  ...["", ".", "/", "\u0001\u001b[2J", "x".repeat(450)],
];
const options = ["blksize", "BlkSize", "windowsize", "timeout", "tsize", "multicast", "x".repeat(100), ""];
const values = [
  "0",
  "1",
  "7",
  "8",
  "512",
  "1468",
  "65464",
  "65465",
  "99999999999999999999",
  "-1",
  "1e3",
  "",
  "💥",
];

const request = (random: Random): Buffer =>
  encodeRequest({
    type: random.chance(10) ? "write" : "read",
    file: random.of(files),
    mode: random.of(["octet", "OCTET", "netascii", "mail", ""]),
    options: new Map(
      Array.from({ length: random.below(5) }, () => {
        const name = random.of(options);
        return [
          name,
          name === "timeout" ? random.of(["0", "1", "2", "256", "x"]) : random.of(values),
        ] as const;
      }),
    ),
  });

/** As EDK2 and iPXE ask. */
const golden = [
  {
    file: "ipxe.efi",
    options: new Map([
      ["tsize", "0"],
      ["blksize", "1468"],
    ]),
  },
  {
    file: "snponly.efi",
    options: new Map([
      ["tsize", "0"],
      ["blksize", "1468"],
      ["windowsize", "4"],
    ]),
  },
  {
    file: "undionly.kpxe",
    options: new Map([
      ["blksize", "1432"],
      ["tsize", "0"],
    ]),
  },
  { file: "undionly.kpxe", options: new Map() },
].map((asked) => encodeRequest({ type: "read", mode: "octet", ...asked }));

/** To port 69. */
export function tftpPacket(random: Random): Buffer {
  switch (random.below(20)) {
    case 0:
      return random.bytes(random.below(600));
    case 1:
      return strayPacket(random);
    default: {
      const whole = random.chance(3) ? random.of(golden) : request(random);
      return random.chance(3) ? whole : mutated(whole, random, random.of(golden));
    }
  }
}

const strayPacket = (random: Random): Buffer =>
  random.of([
    encodeAck(random.below(65_536)),
    encodeError(random.below(65_536), "x".repeat(random.below(100))),
    encodeOptionAck(new Map([["blksize", "8"]])),
  ]);

/** To the port that a transfer goes over. @param last what came from there */
export function transferPacket(random: Random, last: Buffer): Buffer {
  const block = last.length >= 4 ? last.readUInt16BE(2) : 0;
  const ack = encodeAck(random.chance(2) ? block : random.below(65_536));
  return random.chance(4) ? mutated(ack, random) : random.chance(16) ? strayPacket(random) : ack;
}

export const tftpProbe = encodeRequest({
  type: "read",
  file: "no-such-file",
  mode: "octet",
  options: new Map(),
});
export const tftpGoodbye = encodeError(0, "enough");
