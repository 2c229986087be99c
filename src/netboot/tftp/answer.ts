import { type TftpRequest, tftpError } from "./codec.js";
import { normalName, type TftpFiles } from "./files.js";
import { negotiate, type TermLimits, type TransferTerms } from "./negotiate.js";
import { netasciiOf } from "./netascii.js";
import { type BlockSource, memorySource, PieceSource } from "./source.js";

/** What follows from a request: a transfer on these terms, or an error. */
export type TftpAnswer =
  | { type: "transfer"; name: string; source: BlockSource; terms: TransferTerms }
  | { type: "refusal"; code: number; why: string };

const refusal = (code: number, why: string): TftpAnswer => ({ type: "refusal", code, why });

export function answerRequest(
  { type, file: asked, mode, options }: TftpRequest,
  files: TftpFiles,
  limits: TermLimits,
): TftpAnswer {
  if (type === "write") return refusal(tftpError.accessViolation, "files can only be read here");
  const name = normalName(asked);
  if (name === undefined) return refusal(tftpError.accessViolation, "this cannot be the name of a file");
  const file = files.get(name);
  if (file === undefined) return refusal(tftpError.fileNotFound, "there is no such file");
  if (mode !== "octet" && mode !== "netascii") {
    return refusal(tftpError.illegalOperation, "the mode must be octet or netascii");
  }
  const inMemory = Buffer.isBuffer(file);
  if (mode === "netascii" && !inMemory) {
    return refusal(tftpError.illegalOperation, "a file of this size is served as octet only");
  }
  const source = inMemory
    ? memorySource(mode === "netascii" ? netasciiOf(file) : file)
    : new PieceSource(file);
  return { type: "transfer", name, source, terms: negotiate(options, source.size, limits) };
}
