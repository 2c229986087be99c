import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { systemClock } from "../base/clock.js";
import type { Context } from "../base/context.js";
import type { EventSink } from "../base/events.js";
import { resolvePaths } from "../base/paths.js";

/** The user on whose behalf we run. */
export interface Invoker {
  home: string;
  /** Set under sudo: whom the files in the home belong to. */
  owner?: { uid: number; gid: number };
}

type Environment = Record<string, string | undefined>;

/**
 * Under sudo the user who called it, so that kubeconfig and state are that user's and `kubectl` works without sudo;
 * else whoever runs us.
 *
 * @param passwd the contents of /etc/passwd
 */
export function findInvoker(env: Environment, uid: number | undefined, passwd: string): Invoker {
  const self = { home: env.HOME || homedir() };
  if (uid !== 0 || !env.SUDO_UID || !env.SUDO_GID || env.SUDO_UID === "0") return self;
  // passwd(5): name:password:uid:gid:comment:home:shell
  const entry = passwd
    .split("\n")
    .map((line) => line.split(":"))
    .find((fields) => fields[2] === env.SUDO_UID);
  const home = entry?.[5];
  if (!home) return self;
  return { home, owner: { uid: Number(env.SUDO_UID), gid: Number(env.SUDO_GID) } };
}

/**
 * Where sudo keeps the user's HOME, programs that we run as root (go, kubectl) would leave files of root's in it: they get
 * root's home, as sudo gives it by default.
 */
export function leaveHome(env: Environment, owner: Context["owner"]): void {
  if (owner) env.HOME = userInfo().homedir;
}

/** The user's kubeconfig files, first the one that is written: `KUBECONFIG`, else `~/.kube/config`, as kubectl has it. */
export function findKubeconfigFiles(env: Environment, home: string): string[] {
  const listed = (env.KUBECONFIG ?? "").split(delimiter).filter(Boolean);
  return listed.length > 0 ? listed.map((path) => resolve(path)) : [join(home, ".kube", "config")];
}

/**
 * The user's proxies. Lower case wins, as with curl; a proxy without a scheme is an http one, as there.
 */
export function findProxies(env: Environment): Pick<Context, "proxies"> {
  const of = (name: string) => env[name] || env[name.toUpperCase()] || undefined;
  const url = (text: string | undefined) =>
    text === undefined || text.includes("://") ? text : `http://${text}`;
  const [http, https, none] = [url(of("http_proxy")), url(of("https_proxy")), of("no_proxy")];
  if (http === undefined && https === undefined) return {};
  return { proxies: { ...(http && { http }), ...(https && { https }), ...(none && { none }) } };
}

/** The context of this process. */
export function createContext(
  events: EventSink,
  signal: AbortSignal,
): { context: Context; kubeconfigFiles: string[] } {
  const { home, owner } = findInvoker(process.env, process.getuid?.(), readPasswd());
  const context = {
    paths: resolvePaths(process.env, home),
    events,
    signal,
    clock: systemClock,
    ...(owner ? { owner } : {}),
    ...findProxies(process.env),
    ...killAtPoint(process.env.SLIPWAY_TEST_KILL_AT_POINT),
  };
  return { context, kubeconfigFiles: findKubeconfigFiles(process.env, home) };
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}

/** For the fault tests: ends this process without any clean-up at the given journal point, counted from 1. */
function killAtPoint(point: string | undefined): Pick<Context, "atJournalPoint"> {
  if (!point) return {};
  let reached = 0;
  return {
    atJournalPoint: () => {
      reached += 1;
      if (reached === Number(point)) process.kill(process.pid, "SIGKILL");
    },
  };
}
