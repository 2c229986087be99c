import type { Command, Flag, Flags, FlagValues } from "./command.js";

/** The values of all of a command's flags: those that were given, else the flags' defaults. */
export const withDefaults = (command: Command, given: Record<string, unknown>): FlagValues<Flags> =>
  Object.fromEntries(
    Object.entries(command.flags ?? {}).map(([name, flag]) => [
      name,
      given[name] ?? flag.default ?? emptyOf(flag),
    ]),
  ) as FlagValues<Flags>;

const emptyOf = (flag: Flag): false | string[] | undefined =>
  flag.type === "boolean" ? false : flag.type === "strings" ? [] : undefined;
