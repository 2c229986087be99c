import { defineCommand } from "../command.js";

export const command = defineCommand({
  name: "update-context",
  summary: "Put a cluster into the kubeconfig again, as the current context",
  async run(cli) {
    const { updateContext } = await import("../../cluster/access.js");
    const name = await cli.profile();
    const changed = await updateContext(name, cli.kubeconfigFiles, cli.context);
    cli.done(
      { context: name, changed },
      changed ? `kubectl's context is ${name}` : `kubectl's context was ${name} already`,
    );
  },
});
