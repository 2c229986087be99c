import { expect, test } from "vitest";
import { findInvoker, findKubeconfigFiles } from "./context.js";

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
