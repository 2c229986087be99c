import { styleText } from "node:util";

export type Style = (style: "bold" | "dim" | "red" | "green" | "yellow" | "cyan", text: string) => string;

/** Colours a text, or leaves it alone; whether to was decided in capabilities.ts. */
export const styleFor = (color: boolean): Style =>
  color ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
