/* Puts groups, boot profiles and configurations until it is killed: put-forever.mjs DIRECTORY ROUND. Says each that is put. */

import { InventoryStore } from "../../../src/netboot/inventory/store.js";
import { LiveInventory } from "../../../src/netboot/inventory/watch.js";

const [directory = "", round = ""] = process.argv.slice(2);
const store = new InventoryStore(await LiveInventory.open(directory));
const ids = Array.from({ length: 10 }, (_, i) => `machine${i}`);
for (let value = Number(round) * 100_000; ; value++) {
  await Promise.all(
    ids.map(async (id) => {
      await store.putText(
        "ignition",
        `${id}.ign`,
        Buffer.from(JSON.stringify({ ignition: { version: "3.4.0" } })),
      );
      await store.putProfile({
        id,
        ignitionId: `${id}.ign`,
        boot: { kernel: `/assets/${value}`, initrd: [], args: [] },
      });
      await store.putGroup({ id, profile: id, selector: { os: id }, metadata: { value } });
      process.stdout.write(`put ${id} ${value}\n`);
    }),
  );
}
