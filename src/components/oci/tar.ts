import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Header } from "tar";
import { SlipwayError } from "../../base/errors.js";

/** A member of a tar file that we write: owned by 0:0, at the one time that all members have. */
export interface TarMember {
  path: string;
  type: "File" | "Directory" | "SymbolicLink";
  mode: number;
  sizeBytes: number;
  /** Small contents are given, large ones streamed from a file. */
  content?: FileContent;
  linkTarget?: string;
  /** Further pax records, e.g. extended attributes. */
  pax?: Record<string, string>;
}

/** With a hash (lower-case hex) the file's bytes are checked as they are read. */
export type FileContent = { text: string } | { file: string; sha256?: string };

/** All times in images are this one, so that the same input gives the same bytes. */
export const imageTime = new Date(0);

const blockBytes = 512;

/**
 * The bytes of a tar file (POSIX.1-2017 pax: ustar, with an extended header only where one is needed), as they are
 * asked for.
 */
export async function* tarBytes(members: Iterable<TarMember>): AsyncGenerator<Buffer> {
  for (const member of members) {
    yield headerOf(member);
    const { content } = member;
    if (content === undefined) continue;
    if ("text" in content) yield Buffer.from(content.text);
    else yield* fileBytes(content, member.sizeBytes);
    yield padding(member.sizeBytes);
  }
  yield Buffer.alloc(2 * blockBytes);
}

async function* fileBytes(
  { file, sha256 }: Extract<FileContent, { file: string }>,
  sizeBytes: number,
): AsyncGenerator<Buffer> {
  const hash = sha256 === undefined ? undefined : createHash("sha256");
  let read = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    read += chunk.length;
    hash?.update(chunk);
    yield chunk;
  }
  if (read !== sizeBytes) {
    throw new SlipwayError("COMPONENT_CORRUPT", `${file} changed while it was read`, {
      details: { expected: `${sizeBytes} bytes`, found: `${read} bytes` },
    });
  }
  const found = hash?.digest("hex");
  if (found !== sha256) {
    throw new SlipwayError("COMPONENT_CORRUPT", `${file} is damaged`, {
      hint: "slipway components verify --remove",
      details: { expected: sha256 ?? "", found: found ?? "" },
    });
  }
}

function headerOf(member: TarMember): Buffer {
  const { block, needsPax } = ustarBlock(member);
  const records = {
    ...(needsPax ? { path: member.path } : {}),
    ...(needsPax && member.linkTarget !== undefined ? { linkpath: member.linkTarget } : {}),
    ...member.pax,
  };
  if (Object.keys(records).length === 0) return block;
  const extended = Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value)));
  const extendedHeader = Buffer.alloc(blockBytes);
  new Header({
    path: "PaxHeader",
    type: "ExtendedHeader",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: extended.length,
    mtime: imageTime,
  }).encode(extendedHeader);
  return Buffer.concat([extendedHeader, extended, padding(extended.length), block]);
}

function ustarBlock({ path, type, mode, sizeBytes, linkTarget }: TarMember) {
  const block = Buffer.alloc(blockBytes);
  const needsPax = new Header({
    path,
    type,
    mode,
    uid: 0,
    gid: 0,
    size: sizeBytes,
    mtime: imageTime,
    ...(linkTarget === undefined ? {} : { linkpath: linkTarget }),
  }).encode(block);
  return { block, needsPax };
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself too (pax, "Extended Header"). */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const padding = (sizeBytes: number) => Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
