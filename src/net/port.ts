import { addressInvalid } from "./address.js";

/** Whether it is a port that one can listen on: 1 to 65535. */
export const isPort = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 65_535;

/**
 * Reads a port number written in decimal.
 *
 * @throws {SlipwayError} `ADDRESS_INVALID`
 */
export function parsePort(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!isPort(value))
    throw addressInvalid(`${JSON.stringify(text)} is not a port`, "a port is a number from 1 to 65535");
  return value;
}
