import { readTextIfPresent } from "../../base/files.js";
import { type HostPort, isPortFree, portHolder } from "../../net/ports.js";
import type { Finding } from "./finding.js";

/** What a lab's server listens on, and which of it machines cannot do without. */
export const servedPorts = [
  { port: 67, protocol: "udp", what: "DHCP" },
  { port: 69, protocol: "udp", what: "TFTP" },
  { port: 4011, protocol: "udp", what: "proxyDHCP" },
  { port: 53, protocol: "udp", what: "DNS" },
  { port: 8080, protocol: "tcp", what: "HTTP" },
] as const;

/** @param address the interface's */
export const portFindings = (address: string): Promise<Finding[]> =>
  Promise.all(
    servedPorts.map(async ({ port, protocol, what }): Promise<Finding> => {
      const check = `port ${port}/${protocol}`;
      const at: HostPort = { address, port, protocol };
      try {
        if (await isPortFree(at)) return { check, result: "ok", found: `free for ${what}` };
      } catch (error) {
        const code = (error as { code?: string }).code ?? "unknown";
        return { check, result: "unknown", found: `cannot be tried (${code})`, fix: "run it as root" };
      }
      const holder = await portHolder(at).catch(() => undefined);
      if (holder !== undefined && (await isOurs(holder))) {
        return { check, result: "ok", found: `${what}, served by slipway itself` };
      }
      return {
        check,
        result: "problem",
        found: `taken by ${holder ?? "another program"}, so ${what} cannot be served`,
        fix: fixFor(port, holder),
      };
    }),
  );

async function isOurs(holder: string): Promise<boolean> {
  const pid = /process (\d+)/.exec(holder)?.[1];
  const line = pid && (await readTextIfPresent(`/proc/${pid}/cmdline`).catch(() => undefined));
  return line?.split("\0").join(" ").includes(" netboot serve") ?? false;
}

function fixFor(port: number, holder = ""): string {
  if (port === 53 && holder.startsWith("systemd-resolve")) {
    return "DNSStubListener=no in /etc/systemd/resolved.conf, then systemctl restart systemd-resolved";
  }
  if (port === 67 || port === 4011)
    return "stop it, or run slipway beside it on another machine with mode: proxy";
  if (port === 8080) return "stop it, or set http.port in lab.yaml";
  return "stop it";
}
