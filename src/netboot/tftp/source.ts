import type { OpenedFile, TftpFile } from "./files.js";

/** Where a transfer's bytes come from. */
export interface BlockSource {
  readonly size: number;
  /** These bytes; at once where they are in memory. */
  get(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  close(): void;
}

export const memorySource = (bytes: Buffer): BlockSource => ({
  size: bytes.length,
  get: (offset, length) => bytes.subarray(offset, offset + length),
  close: () => {},
});

/** Read ahead by so much: enough for a window of 64 blocks of 1468 bytes. */
const pieceBytes = 128 * 1024;

/** A file that is opened when its first byte is wanted, of which one piece at a time is in memory. */
export class PieceSource implements BlockSource {
  readonly #file: Exclude<TftpFile, Buffer>;
  #opened: Promise<OpenedFile> | undefined;
  #piece: { offset: number; bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array() };

  constructor(file: Exclude<TftpFile, Buffer>) {
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  get(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    const from = offset - this.#piece.offset;
    return from >= 0 && from + length <= this.#piece.bytes.length
      ? this.#piece.bytes.subarray(from, from + length)
      : this.#read(offset, length);
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    this.#opened ??= this.#file.open();
    const opened = await this.#opened;
    const bytes = await opened.read(offset, Math.min(Math.max(length, pieceBytes), this.size - offset));
    this.#piece = { offset, bytes };
    return bytes.subarray(0, length);
  }

  close(): void {
    void this.#opened?.then((opened) => opened.close()).catch(() => {});
  }
}
