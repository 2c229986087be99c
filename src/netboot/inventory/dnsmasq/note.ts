import { placeText } from "../problem.js";
import type { Directive } from "./directives.js";

/** What came of one option of dnsmasq that is not simply carried over. */
export interface ImportNote {
  /** built-in: slipway does so by itself. lost: it is not carried over. assumed: it is, with something that it does not say. */
  kind: "built-in" | "lost" | "assumed";
  /** `--dhcp-boot=tag:bios,undionly.kpxe`, or `dnsmasq.conf:12 dhcp-boot=…`; empty: about the whole. */
  option: string;
  message: string;
}

/** An option as it was written. */
export const optionText = ({ name, value, place }: Directive): string => {
  const text = value === "" ? name : `${name}=${value}`;
  return place ? `${placeText(place)} ${text}` : `--${text}`;
};

export type Note = (kind: ImportNote["kind"], directive: Directive | undefined, message: string) => void;
