import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import type { Proxies } from "../../base/context.js";
import { SlipwayError } from "../../base/errors.js";

/**
 * What requests are sent with: through the user's proxies, https in a tunnel (CONNECT, RFC 9110 §9.3.6), http with the whole
 * URL (RFC 9112 §3.2.2).
 *
 * @throws {SlipwayError} `USAGE` for a proxy that is no http or https URL; the message holds no credentials
 */
export function dispatcherFor({ http, https, none = "" }: Proxies = {}): Dispatcher {
  // Not what the library would read from the environment itself: that is read at one place.
  if (http === undefined && https === undefined) return new Agent();
  check("HTTP_PROXY", http);
  check("HTTPS_PROXY", https);
  return new EnvHttpProxyAgent({
    httpProxy: http ?? "",
    httpsProxy: https ?? "",
    noProxy: none,
    proxyTunnel: false,
  });
}

function check(variable: string, text: string | undefined): void {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (text === undefined || url?.protocol === "http:" || url?.protocol === "https:") return;
  throw new SlipwayError("USAGE", `${variable} is not the URL of an http or https proxy`, {
    hint: `set it as in ${variable}=http://proxy.example.com:3128`,
  });
}
