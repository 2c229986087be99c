import { Readable } from "node:stream";
import fc from "fast-check";
import { extract } from "tar-stream";
import { expect, test } from "vitest";
import { type TarMember, tarBytes } from "./tar.js";

const name = fc.stringMatching(/^[A-Za-z0-9_.é漢 -]{1,60}$/).filter((part) => !/^\.+$/.test(part));
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/"));
const member: fc.Arbitrary<TarMember> = fc.oneof(
  fc.record({ path, text: fc.string({ unit: "grapheme", maxLength: 1500 }) }).map(({ path, text }) => ({
    path,
    type: "File" as const,
    mode: 0o644,
    sizeBytes: Buffer.byteLength(text),
    content: { text },
  })),
  fc.record({ path, linkTarget: path }).map(({ path, linkTarget }) => ({
    path,
    type: "SymbolicLink" as const,
    mode: 0o777,
    sizeBytes: 0,
    linkTarget,
  })),
);

test("property: another implementation reads the members that were written, whatever their names and lengths", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(member, { maxLength: 5 }), async (members) => {
      const bytes = Buffer.concat(await Readable.from(tarBytes(members)).toArray());
      expect(bytes.length % 512).toBe(0);
      const tar = extract();
      tar.end(bytes);
      const found: object[] = [];
      for await (const entry of tar) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of entry) chunks.push(chunk as Uint8Array);
        const { name, linkname, uid, gid, mtime } = entry.header;
        found.push({ name, linkname, uid, gid, mtime, text: Buffer.concat(chunks).toString() });
      }
      const wanted = members.map(({ path, linkTarget, content }) => ({
        name: path,
        linkname: linkTarget ?? null,
        uid: 0,
        gid: 0,
        mtime: new Date(0),
        text: content && "text" in content ? content.text : "",
      }));
      expect(found).toEqual(wanted);
    }),
    { numRuns: 200 },
  );
});
