import { expect, test } from "vitest";
import { findInvoker, findKubeconfigFiles, findProxies } from "./context.js";

const passwd = "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1001:Ada:/home/ada:/bin/zsh\n";

test("under sudo it is the calling user's home, and the files are that user's", () => {
  const env = { HOME: "/root", SUDO_UID: "1000", SUDO_GID: "1001", SUDO_USER: "ada" };
  expect(findInvoker(env, 0, passwd)).toEqual({ home: "/home/ada", owner: { uid: 1000, gid: 1001 } });
});

test.each([
  ["root without sudo", { HOME: "/root" }, 0],
  ["a user, whatever sudo's variables say", { HOME: "/root", SUDO_UID: "1000", SUDO_GID: "1001" }, 1000],
  ["sudo by root itself", { HOME: "/root", SUDO_UID: "0", SUDO_GID: "0" }, 0],
  ["sudo by a user that passwd does not know", { HOME: "/root", SUDO_UID: "7", SUDO_GID: "7" }, 0],
])("%s: it is the own home", (_, env, uid) => {
  expect(findInvoker(env, uid, passwd)).toEqual({ home: "/root" });
});

test("KUBECONFIG is a list; without it ~/.kube/config", () => {
  expect(findKubeconfigFiles({}, "/home/ada")).toEqual(["/home/ada/.kube/config"]);
  expect(findKubeconfigFiles({ KUBECONFIG: "" }, "/home/ada")).toEqual(["/home/ada/.kube/config"]);
  expect(findKubeconfigFiles({ KUBECONFIG: "/a::/b" }, "/home/ada")).toEqual(["/a", "/b"]);
});

test.each([
  [{}, {}],
  [{ NO_PROXY: "*" }, {}],
  [{ HTTPS_PROXY: "", https_proxy: "" }, {}],
  [{ HTTPS_PROXY: "http://p:3128" }, { proxies: { https: "http://p:3128" } }],
  [
    { https_proxy: "http://lower:1", HTTPS_PROXY: "http://upper:1" },
    { proxies: { https: "http://lower:1" } },
  ],
  [
    { http_proxy: "p:3128", NO_PROXY: ".corp,10.0.0.1" },
    { proxies: { http: "http://p:3128", none: ".corp,10.0.0.1" } },
  ],
])("the proxies of %j are %j", (env, expected) => {
  expect(findProxies(env)).toEqual(expected);
});
