import { isSlipwayError, SlipwayError } from "../base/errors.js";
import { run } from "../base/run.js";

/** An interface as `ip -j address` and `ip -j link` show it. */
export interface LinkInfo {
  ifindex: number;
  ifname: string;
  ifalias?: string;
  flags: string[];
  master?: string;
  address?: string;
  addr_info: { family: "inet" | "inet6"; local: string; prefixlen: number }[];
}

export interface RouteInfo {
  dst: string;
  dev?: string;
  gateway?: string;
  table?: string;
  type?: string;
}

export interface RuleInfo {
  priority: number;
  src: string;
  iif?: string;
  table?: string;
}

interface IpOptions {
  /** Work in the network namespace of this process instead of our own. */
  netnsPid?: number;
  signal?: AbortSignal;
}

/**
 * Runs `ip` commands in one process; stops at the first that fails.
 * @param commands each without the leading `ip`
 */
export async function ipBatch(
  commands: readonly string[],
  { netnsPid, signal }: IpOptions = {},
): Promise<void> {
  if (commands.length === 0) return;
  const enter = netnsPid === undefined ? [] : [`--net=/proc/${netnsPid}/ns/net`];
  const [program, ...args] = [...(enter.length ? ["nsenter", ...enter] : []), "ip", "-batch", "-"];
  const options = { input: `${commands.join("\n")}\n`, ...(signal ? { signal } : {}) };
  await run(program!, args, options).catch((error: unknown) => {
    throw explained(error, commands);
  });
}

/** What `ip -j <args>` prints. An empty answer of iproute2 is no JSON at all. */
export async function ipJson<T>(args: readonly string[], { signal }: IpOptions = {}): Promise<T[]> {
  const { stdout } = await run("ip", ["-j", ...args], signal ? { signal } : {}).catch((error: unknown) => {
    throw explained(error, []);
  });
  // iproute2 prints `[{},{}]` where a filter took entries out.
  return stdout.trim() === ""
    ? []
    : (JSON.parse(stdout) as T[]).filter((item) => Object.keys(item as object).length);
}

export async function listLinks(options?: IpOptions): Promise<LinkInfo[]> {
  // `ip address` leaves aliases out, `ip link` leaves addresses out.
  const [links, described] = await Promise.all([
    ipJson<LinkInfo>(["address"], options),
    ipJson<Pick<LinkInfo, "ifindex" | "ifalias">>(["link"], options),
  ]);
  const aliases = new Map(described.map(({ ifindex, ifalias }) => [ifindex, ifalias]));
  return links.map((link) => {
    const ifalias = aliases.get(link.ifindex);
    return ifalias === undefined ? link : { ...link, ifalias };
  });
}

export const listRules = (options?: IpOptions): Promise<RuleInfo[]> => ipJson<RuleInfo>(["rule"], options);

/** IPv4 routes; none when there is no such table. @param table `main`, `all` or a number */
export async function listRoutes(table: string, options?: IpOptions): Promise<RouteInfo[]> {
  try {
    return await ipJson<RouteInfo>(["-4", "route", "show", "table", table], options);
  } catch (error) {
    // The kernel makes tables with their first route: before it, a dump of one is an error.
    if (isSlipwayError(error) && error.details.output?.includes("FIB table does not exist")) return [];
    throw error;
  }
}

function explained(error: unknown, commands: readonly string[]): unknown {
  if (isSlipwayError(error, "PROGRAM_NOT_FOUND")) {
    return new SlipwayError(error.code, error.message, { hint: "apt-get install iproute2", cause: error });
  }
  if (!isSlipwayError(error, "PROGRAM_FAILED")) return error;
  const line = Number(/Command failed -:(\d+)/.exec(error.details.output ?? "")?.[1]);
  const command = commands[line - 1];
  return new SlipwayError(error.code, error.message, {
    details: { ...error.details, ...(command === undefined ? {} : { command: `ip ${command}` }) },
    cause: error,
  });
}
