import { truncate, writeFile } from "node:fs/promises";
import { run } from "../../../src/base/run.js";

/** Lines for the serial port, as the programs below write them. */
const said = (word: string): Buffer => Buffer.from(`\r\n${word}\r\n\0`);

/**
 * What a BIOS starts at 0:7c00, be it a disk's first sector or a file that iPXE loads as `kernel`: it writes a word to the first
 * serial port, and halts. 512 bytes.
 */
export function biosProgram(word: string): Buffer {
  const code = Buffer.from([
    ...[0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xfc], // cli; xor ax,ax; mov ds,ax; cld
    ...[0xbe, 0x23, 0x7c], // mov si, text
    ...[0xac, 0x84, 0xc0, 0x74, 0x12, 0x88, 0xc4], // next: lodsb; test al,al; jz end; mov ah,al
    ...[0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb], // mov dx,0x3fd; wait: in al,dx; test al,0x20; jz wait
    ...[0x88, 0xe0, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xe9], // mov al,ah; mov dx,0x3f8; out dx,al; jmp next
    ...[0xf4, 0xeb, 0xfd], // end: hlt; jmp end
  ]);
  const sector = Buffer.alloc(512);
  Buffer.concat([code, said(word)]).copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/** The same for UEFI on x64: a PE32+ application of one section (Microsoft's PE format, "Optional Header"). */
export function uefiProgram(word: string): Buffer {
  const code = Buffer.from([
    ...[0x48, 0x8d, 0x35, 0x1a, 0, 0, 0], // lea rsi, [rip + text]
    ...[0xac, 0x84, 0xc0, 0x74, 0x14, 0x88, 0xc4], // next: lodsb; test al,al; jz end; mov ah,al
    ...[0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb], // mov dx,0x3fd; wait: in al,dx; test al,0x20; jz wait
    ...[0x88, 0xe0, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xe7], // mov al,ah; mov dx,0x3f8; out dx,al; jmp next
    ...[0xf4, 0xeb, 0xfd], // end: hlt; jmp end
  ]);
  const file = Buffer.alloc(1024);
  file.write("MZ");
  file.writeUInt32LE(0x40, 0x3c);
  file.write("PE\0\0", 0x40);
  file.writeUInt16LE(0x8664, 0x44);
  file.writeUInt16LE(1, 0x46); // sections
  file.writeUInt16LE(240, 0x54); // size of the optional header
  file.writeUInt16LE(0x22, 0x56); // executable, addresses above 2 GiB
  const optional = 0x58;
  file.writeUInt16LE(0x20b, optional);
  file.writeUInt32LE(512, optional + 4); // size of code
  file.writeUInt32LE(0x1000, optional + 16); // entry
  file.writeUInt32LE(0x1000, optional + 20); // base of code
  file.writeUInt32LE(0x1000, optional + 32); // alignment in memory
  file.writeUInt32LE(512, optional + 36); // and in the file
  file.writeUInt32LE(0x2000, optional + 56); // size in memory
  file.writeUInt32LE(512, optional + 60); // size of headers
  file.writeUInt16LE(10, optional + 68); // EFI application
  file.writeUInt32LE(16, optional + 108); // data directories, all empty
  const section = optional + 240;
  file.write(".text", section);
  file.writeUInt32LE(512, section + 8);
  file.writeUInt32LE(0x1000, section + 12);
  file.writeUInt32LE(512, section + 16);
  file.writeUInt32LE(512, section + 20);
  file.writeUInt32LE(0x6000_0020, section + 36); // code, executable, readable
  Buffer.concat([code, said(word)]).copy(file, 512);
  return file;
}

/** A disk that a BIOS boots. @returns its path */
export async function biosDisk(path: string, word: string): Promise<string> {
  await writeFile(path, biosProgram(word));
  await truncate(path, 1024 * 1024);
  return path;
}

/** A disk that UEFI boots: a FAT file system with the program that is looked for on any disk. @returns its path */
export async function uefiDisk(path: string, word: string): Promise<string> {
  await run("mformat", ["-C", "-i", path, "-f", "1440", "::"]);
  await run("mmd", ["-i", path, "::/EFI", "::/EFI/BOOT"]);
  await run("mcopy", ["-i", path, "-", "::/EFI/BOOT/BOOTX64.EFI"], { input: uefiProgram(word) });
  return path;
}
