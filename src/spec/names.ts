import { shown, valueInvalid } from "./problems.js";

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A node's certificate is named `system:node:<name>`, and a common name has at most 64 characters (RFC 5280 ub-common-name). */
export const nodeNameMaxLength = 64 - "system:node:".length;

/** Room for `-m02` after it. */
export const profileNameMaxLength = nodeNameMaxLength - "-m02".length;

/** @throws {SlipwayError} `CONFIG_INVALID` unless it is an RFC 1123 label that fits into the node names made from it. */
export const checkProfileName = (name: string): void =>
  checkLabel(name, "a cluster's name", profileNameMaxLength);

/** @throws {SlipwayError} `CONFIG_INVALID` */
export const checkNodeName = (name: string): void => checkLabel(name, "a node's name", nodeNameMaxLength);

function checkLabel(name: string, what: string, maxLength: number): void {
  if (!label.test(name)) {
    throw valueInvalid(
      `${shown(name)} cannot be ${what}: use lower-case letters, digits and -, with a letter or digit at both ends (RFC 1123)`,
    );
  }
  if (name.length > maxLength) {
    throw valueInvalid(
      `${shown(name)} is too long for ${what}: ${name.length} characters, at most ${maxLength}`,
    );
  }
}

/** @throws {SlipwayError} `CONFIG_INVALID` unless it is a DNS domain (RFC 1123 subdomain). */
export function checkDomain(name: string): void {
  if (name.length > 253 || !name.split(".").every((part) => label.test(part))) {
    throw valueInvalid(
      `${shown(name)} is not a DNS domain: use lower-case letters, digits, - and dots, as cluster.local`,
    );
  }
}

/** A name that a certificate can hold: a domain, the first label of which may be `*`. @throws {SlipwayError} `CONFIG_INVALID` */
export function checkCertificateName(name: string): void {
  const domain = name.replace(/^\*\./, "").toLowerCase();
  if (/^[\d.]+$/.test(name))
    throw valueInvalid(`${shown(name)} is not a DNS name; addresses belong into ips`);
  checkDomain(domain);
}

const labelName = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;

/** A label's key, `name` or `domain/name`. @throws {SlipwayError} `CONFIG_INVALID` */
export function checkLabelKey(key: string): void {
  const [prefix, name, ...more] = key.includes("/") ? key.split("/") : [undefined, key];
  if (more.length > 0 || !labelName.test(name ?? "")) {
    throw valueInvalid(
      `${shown(key)} is not a label's key: write name or domain/name; the name has up to 63 letters, digits, - _ .`,
    );
  }
  if (prefix !== undefined) checkDomain(prefix);
}

/** A label's value, which may be empty. @throws {SlipwayError} `CONFIG_INVALID` */
export function checkLabelValue(value: string): void {
  if (value !== "" && !labelName.test(value)) {
    throw valueInvalid(
      `${shown(value)} is not a label's value: up to 63 letters, digits, - _ ., with a letter or digit at both ends`,
    );
  }
}
