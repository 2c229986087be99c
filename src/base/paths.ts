import { join } from "node:path";

/** Where slipway keeps things. All are absolute; none needs to exist. */
export interface Paths {
  /** What the user set: `config.json`, the active profile. */
  config: string;
  /** Profiles: specs, keys, journals, machines. */
  state: string;
  /** What can be made again: components, node images, unpacked images. */
  cache: string;
}

/** The part of the environment that decides about paths. */
export interface PathEnvironment {
  HOME?: string | undefined;
  SLIPWAY_HOME?: string | undefined;
  XDG_CONFIG_HOME?: string | undefined;
  XDG_STATE_HOME?: string | undefined;
  XDG_CACHE_HOME?: string | undefined;
}

/**
 * XDG base directories (freedesktop.org Base Directory Specification 0.8) under `slipway/`; `SLIPWAY_HOME` replaces all three.
 * @param home the home of the user on whose behalf we run: under sudo the invoking user's.
 */
export function resolvePaths(env: PathEnvironment, home: string): Paths {
  if (env.SLIPWAY_HOME) {
    return {
      config: join(env.SLIPWAY_HOME, "config"),
      state: join(env.SLIPWAY_HOME, "state"),
      cache: join(env.SLIPWAY_HOME, "cache"),
    };
  }
  return {
    config: join(env.XDG_CONFIG_HOME || join(home, ".config"), "slipway"),
    state: join(env.XDG_STATE_HOME || join(home, ".local", "state"), "slipway"),
    cache: join(env.XDG_CACHE_HOME || join(home, ".cache"), "slipway"),
  };
}
