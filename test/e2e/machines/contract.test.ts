import { describeDriver } from "../../../src/machines/driver.contract.js";
import { sandboxSubject } from "./subject.js";

describeDriver("sandbox", () => sandboxSubject("contract", 200));
