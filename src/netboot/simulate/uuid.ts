import { SlipwayError } from "../../base/errors.js";

/** @throws {SlipwayError} `USAGE` */
export function parseUuid(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new SlipwayError("USAGE", `${JSON.stringify(text)} is no UUID`, {
    hint: "write it as 4c4c4544-0042-3510-8052-b4c04f4d4432",
  });
}

/** For a machine whose own is not known: made of its MAC, so that it is the same each time. */
export const defaultUuid = (mac: string): string => `00000000-0000-4000-8000-${mac.replaceAll(":", "")}`;
