import { each, type Slices } from "../../base/slices.js";
import { addressBits, parseAddress } from "../../net/address.js";
import { type Cidr, contains, overlaps, parseCidr } from "../../net/cidr.js";
import { parseMac } from "../../net/mac.js";
import { type FieldPath, pathText } from "../../spec/problems.js";
import type { LabForm, NetworkForm } from "./lab-schema.js";
import { parseRange } from "./lab-values.js";
import type { InventoryProblem } from "./problem.js";
import type { Place } from "./types.js";

/** Says what of a form does not go together: addresses and their networks, and what must be there only once. */
export function* labProblems(form: LabForm, at: (path: FieldPath) => Place): Slices<InventoryProblem[]> {
  const problems: InventoryProblem[] = [];
  const report: Report = (check, path, message, severity = "error") =>
    problems.push({ severity, check, place: at(path), path: pathText(path), message });
  if (form.network !== undefined && form.networks !== undefined) {
    report("network", ["network"], "is written beside networks; write all of them in networks");
  }
  const networks: LocatedNetwork[] = [
    ...(form.network ? [{ form: form.network, path: ["network"] }] : []),
    ...(form.networks ?? []).map((network, i) => ({ form: network, path: ["networks", i] })),
  ].map((network) => ({ ...network, cidr: parseCidr(network.form.subnet) }));
  for (const [i, network] of networks.entries()) {
    checkNetwork(network, report);
    checkBeside(network, networks.slice(0, i), report);
  }
  yield* checkUnique(form, report);
  yield* checkMachines(form, networks, report);
  return problems;
}

type Report = (
  check: string,
  path: FieldPath,
  message: string,
  severity?: InventoryProblem["severity"],
) => void;

interface LocatedNetwork {
  form: NetworkForm;
  path: FieldPath;
  cidr: Cidr;
}

function checkNetwork({ form, path, cidr }: LocatedNetwork, report: Report): void {
  for (const field of ["address", "router"] as const) {
    const address = form[field];
    if (address === undefined) continue;
    const wrong = whyNotAHost(address, cidr);
    if (wrong) report("subnet", [...path, field], wrong);
  }
  if (form.range !== undefined) checkRange(form, form.range, cidr, [...path, "range"], report);
  const seen = new Set<number>();
  for (const [i, { code }] of (form.options ?? []).entries()) {
    if (seen.has(code)) report("option", [...path, "options", i], `option ${code} is given twice`);
    seen.add(code);
  }
}

function checkRange(form: NetworkForm, range: string, cidr: Cidr, path: FieldPath, report: Report): void {
  if (form.mode !== "dhcp") {
    report("range", path, `is not used with mode ${form.mode}: only dhcp leases addresses`, "warning");
  }
  const { first, last } = parseRange(range);
  const wrong = whyNotAHost(first, cidr) ?? whyNotAHost(last, cidr);
  if (wrong) {
    report("range", path, wrong);
    return;
  }
  for (const field of ["address", "router"] as const) {
    const address = form[field];
    if (address !== undefined && isInRange(address, first, last)) {
      const whose = field === "address" ? "this server's own address" : "the router's address";
      report("range", path, `${first}-${last} holds ${whose}, ${address}; leave it out`);
    }
  }
}

/** What is shared with a network that stands before it. */
function checkBeside({ form, path, cidr }: LocatedNetwork, others: LocatedNetwork[], report: Report): void {
  for (const other of others) {
    if (overlaps(cidr, other.cidr)) {
      report(
        "subnet",
        [...path, "subnet"],
        `${cidr.text} overlaps ${other.cidr.text} of ${pathText(other.path)}`,
      );
    }
    if (form.interface !== undefined && form.interface === other.form.interface) {
      const message = `${form.interface} is the interface of ${pathText(other.path)} already`;
      report("interface", [...path, "interface"], message);
    }
  }
}

function* checkUnique({ machines = [], groups = [], profiles = [] }: LabForm, report: Report): Slices<void> {
  const once = (check: string, what: string): ((value: string, path: FieldPath) => void) => {
    const seen = new Map<string, FieldPath>();
    return (value, path) => {
      const first = seen.get(value);
      if (first) report(check, path, `${pathText(first.slice(0, 2))} has the ${what} ${value} as well`);
      else seen.set(value, path);
    };
  };
  const name = once("duplicate-name", "name");
  const mac = once("duplicate-mac", "MAC address");
  const address = once("duplicate-address", "address");
  const group = once("duplicate-id", "id");
  const profile = once("duplicate-id", "id");
  yield* each(groups, ({ id }, i) => group(id, ["groups", i, "id"]));
  yield* each(machines, (machine, i) => {
    name(machine.name, ["machines", i, "name"]);
    mac(parseMac(machine.mac), ["machines", i, "mac"]);
    if (machine.address !== undefined) address(machine.address, ["machines", i, "address"]);
    if (machine.profile !== undefined) group(machine.name, ["machines", i, "name"]);
    else if (machine.metadata !== undefined) {
      report(
        "metadata",
        ["machines", i, "metadata"],
        "is for the templates of the machine's own boot profile, and there is no profile beside it; write profile, or move it to a group",
      );
    }
  });
  for (const [i, { id }] of profiles.entries()) profile(id, ["profiles", i, "id"]);
}

function* checkMachines(
  { machines = [] }: LabForm,
  networks: LocatedNetwork[],
  report: Report,
): Slices<void> {
  yield* each(machines, ({ address }, i) => {
    if (address === undefined) return;
    const path = ["machines", i, "address"];
    const network = networks.find(({ cidr }) => contains(cidr, address));
    if (network === undefined) {
      const subnets = networks.map(({ cidr }) => cidr.text).join(", ");
      const message =
        networks.length === 0
          ? `${address} is in no network: there is none; write network`
          : `${address} is in no network; there ${networks.length === 1 ? "is" : "are"} ${subnets}`;
      report("subnet", path, message);
      return;
    }
    const { form, cidr } = network;
    const wrong = whyNotAHost(address, cidr);
    if (wrong) report("subnet", path, wrong);
    if (address === form.address)
      report("duplicate-address", path, `${address} is this server's own address`);
    else if (address === form.router) report("duplicate-address", path, `${address} is the router's address`);
    if (form.mode !== "dhcp") {
      report("reservation", path, `is not used: ${cidr.text} has mode ${form.mode}`, "warning");
    }
  });
}

/** Undefined: it can be a machine's address there. */
function whyNotAHost(address: string, cidr: Cidr): string | undefined {
  const { value, family } = parseAddress(address);
  if (!contains(cidr, address)) return `${address} is not in the subnet ${cidr.text}`;
  if (cidr.prefixLength > addressBits(family) - 2) return undefined;
  if (value === cidr.first) return `${address} is the subnet's own address, not a machine's`;
  if (value === cidr.last) return `${address} is the subnet's broadcast address, not a machine's`;
  return undefined;
}

/** Whether an address is among those from `first` to `last`. */
export function isInRange(address: string, first: string, last: string): boolean {
  const { value } = parseAddress(address);
  return parseAddress(first).value <= value && value <= parseAddress(last).value;
}
