import { expect, test } from "vitest";
import { at, dhcp, instant } from "../timeline/testing.js";
import { RouterSolicitations } from "./answers.js";
import { solicitingMac } from "./icmp.js";

/** Captured: iPXE of Debian 12 asks. */
const solicitation = Buffer.from("8500d909000000000101525400bb0003", "hex");
const from = "fe80::5054:ff:febb:3";
const mac = "52:54:00:bb:00:03";
const address = "10.0.0.5";

function answersTo(
  take: Parameters<RouterSolicitations["take"]>[0] | undefined,
  second: number,
  sender = from,
) {
  const sent: { to: string; hex: string }[] = [];
  const solicitations = new RouterSolicitations();
  if (take) solicitations.take(take);
  const socket = {
    send: (to: string, message: Buffer) => void sent.push({ to, hex: message.toString("hex") }),
    [Symbol.asyncDispose]: async () => {},
  };
  solicitations.answer({ from: sender, message: solicitation }, socket, instant(second));
  return sent;
}

const given = { mac, address };
const leased = dhcp(0, "REQUEST → ACK", "ipxe", given);

test("iPXE that has its address from here is told that there is no router, and nobody else is", () => {
  expect(answersTo(leased, 0.96)).toEqual([{ to: from, hex: "86000000000000000000000000000000" }]);
});

test.each([
  ["a router may still speak", leased, 0.35],
  ["it gave up long ago", leased, 31],
  ["it was not given an address", dhcp(0, "DISCOVER → OFFER", "ipxe", { mac }), 1],
  ["it is a system that runs", dhcp(0, "REQUEST → ACK", "other", given), 1],
  ["it is another machine", dhcp(0, "REQUEST → ACK", "ipxe", { ...given, mac: "52:54:00:00:00:02" }), 1],
  ["nothing was seen of it", undefined, 1],
  ["it asked the web server alone", at(0, { stage: "http", what: "GET /ipxe", mac }), 1],
])("no answer: %s", (_why, take, second) => {
  expect(answersTo(take, second)).toEqual([]);
});

test("no answer to an address that is not of the link", () => {
  expect(answersTo(leased, 1, "2001:db8::1")).toEqual([]);
});

test.each([
  ["850000000000000001015254000000aa", "52:54:00:00:00:aa"],
  // Behind another option: a nonce (RFC 3971).
  ["85000000000000000e0111111111111101015254000000aa", "52:54:00:00:00:aa"],
  ["8500000000000000", undefined],
  ["85000000000000000100525400000001", undefined],
  ["8500000000000000010252540000", undefined],
  ["86000000000000000101525400000001", undefined],
  ["", undefined],
])("%s is from %s", (hex, expected) => {
  expect(solicitingMac(Buffer.from(hex, "hex"))).toBe(expected);
});
