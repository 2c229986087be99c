import { stringify } from "yaml";
import { snakeKey } from "../../../src/ignition/butane/shape.js";
import { invalidConfigs, validConfigs } from "../../../src/ignition/fixtures/configs.js";
import type { Case } from "./case.js";

/** Spec 3.x → a Butane version that becomes it. */
const butaneVersions: Record<string, string> = {
  "3.0.0": "1.0.0",
  "3.1.0": "1.1.0",
  "3.2.0": "1.2.0",
  "3.3.0": "1.4.0",
  "3.4.0": "1.5.0",
  "3.5.0": "1.6.0",
};

/** The Ignition configs that validation is tested with, in Butane's words; those that have none are left out. */
export const ignitionCases: Case[] = [
  ...Object.entries(validConfigs).map(([name, config]) => toCase(name, config)),
  ...Object.entries(invalidConfigs).map(([name, { config, stricter }]) => toCase(name, config, stricter)),
].filter((one) => one !== undefined);

function toCase(name: string, config: unknown, stricter?: boolean): Case | undefined {
  const { ignition, ...parts } = config as { ignition?: { version?: string } };
  const version = butaneVersions[ignition?.version ?? ""];
  if (!version || Object.keys(config as object).includes("extra")) return undefined;
  const { version: _, ...others } = ignition!;
  const yaml = stringify(toSnake({ variant: "fcos", version, ignition: others, ...parts }));
  return {
    name: `of Ignition: ${name}`,
    yaml,
    ...(stricter && { stricter: "Ignition would fail on the machine only" }),
  };
}

function toSnake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSnake);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [snakeKey(key), toSnake(child)]));
}
