import { describeDriver, exampleNetwork, exampleSpec } from "../driver.contract.js";
import { FakeDriver } from "./driver.js";

describeDriver("fake", async () => ({
  driver: new FakeDriver(),
  network: exampleNetwork("fake"),
  spec: (name, changes) => exampleSpec("fake", name, ["/image"], changes),
  runsPrograms: false,
  dispose: async () => {},
}));
