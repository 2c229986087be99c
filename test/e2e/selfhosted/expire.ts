import { writeFile } from "node:fs/promises";
import type { Context } from "../../../src/base/context.js";
import { hostDriver } from "../../../src/cluster/driver.js";
import { ensureMaterial } from "../../../src/cluster/material.js";
import { profilePaths, readProfile } from "../../../src/cluster/profile.js";
import { forgetRenewal } from "../../../src/cluster/renewal-mark.js";
import { planCluster } from "../../../src/plan/plan.js";
import { sealObjects } from "../../../src/plan/secrets.js";
import { bootstrapParts } from "../../../src/plan/selfhosted/bootstrap.js";
import { controllerManagerFiles, schedulerFiles } from "../../../src/plan/selfhosted/files.js";
import type { TestHome } from "../harness.js";

/**
 * What a self-hosted cluster is a year after nobody renewed anything: its authorities issue leaves as of 399 days ago, and those
 * are everywhere: on the host, the node's disk, in the Secrets and in the checkpoints. Then its node loses all that runs.
 */
export async function expireEverything(profile: string, home: TestHome, context: Context): Promise<void> {
  const { spec, facts } = await readProfile(profile, context);
  const plan = planCluster(spec, facts);
  const paths = profilePaths(profile, context);
  const clock = { ...context.clock, now: () => new Date(Date.now() - 399 * 86_400_000) };
  const material = await ensureMaterial(plan, paths.pki, { ...context, clock }, { renewLeaves: true });
  await forgetRenewal(paths.pki);

  const secrets = plan.objects.flatMap(({ objects }) => objects).filter(({ kind }) => kind === "Secret");
  const items = sealObjects(secrets, material);
  await home.kubectl(profile, ["apply", "--server-side", "--force-conflicts", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });
  const copies = "/etc/kubernetes/checkpoint-secrets/kube-system";
  const files = new Map<string, string>();
  for (const { path, contents } of plan.nodes[0]!.config.storage?.files ?? []) {
    const secret = /^slipway:(.*)$/.exec(contents?.source ?? "")?.[1];
    if (secret !== undefined) files.set(path, material.get(secret)!);
  }
  const checkpointed = {
    "kube-apiserver": bootstrapParts[0].files,
    "kube-controller-manager": controllerManagerFiles(),
    "kube-scheduler": schedulerFiles(),
    "pod-checkpointer": [],
  };
  for (const [workload, parts] of Object.entries(checkpointed))
    for (const { path, contents } of parts)
      if ("secret" in contents)
        files.set(`${copies}/${workload}/files/${path}`, material.get(contents.secret)!);
  files.set(`${copies}/pod-checkpointer/kubeconfig/kubeconfig`, material.get("kubeconfig/pod-checkpointer")!);
  const driver = hostDriver(context);
  // Nothing of the old lives on: no process, no volume of a pod.
  await driver.exec(profile, profile, ["systemctl", "stop", "kubelet"]);
  for (const [path, input] of files)
    await driver.exec(profile, profile, ["dd", "status=none", "conv=nocreat", `of=${path}`], { input });
  await driver.exec(profile, profile, [
    "/bin/sh",
    "-c",
    "systemctl restart slipway-pods etcd containerd && systemctl start kubelet",
  ]);
  await writeFile(paths.kubeconfig, material.get("kubeconfig/admin")!);
  await writeFile(paths.breakGlass, material.get("kubeconfig/break-glass")!);
}
