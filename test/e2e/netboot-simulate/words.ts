import type { HttpRequest } from "../../../src/netboot/http/answer.js";
import {
  type HeardDhcp,
  type HeardHttp,
  UnpluggedServer,
} from "../../../src/netboot/simulate/unplugged-server.js";
import type { TftpAnswer } from "../../../src/netboot/tftp/answer.js";
import { encodeError, encodeOptionAck, tftpError } from "../../../src/netboot/tftp/codec.js";

/** What a machine says on the wire. */
export type Word =
  | { protocol: "dhcp" | "tftp"; port: number; hex: string }
  | { protocol: "http"; method: string; target: string; headers: Record<string, string> };

/** What it hears. */
export type Said = { hex: string } | { status: number; headers: Record<string, string>; body: string } | null;

/** An unplugged server that keeps what was said to it, and what it said. */
export class RecordingServer extends UnpluggedServer {
  readonly words: Word[] = [];
  readonly said: Said[] = [];

  override hearDhcp(bytes: Uint8Array, heardOn: string | undefined, port: 67 | 4011 = 67): HeardDhcp {
    const heard = super.hearDhcp(bytes, heardOn, port);
    this.words.push({ protocol: "dhcp", port, hex: Buffer.from(bytes).toString("hex") });
    this.said.push(heard.bytes ? { hex: heard.bytes.toString("hex") } : null);
    return heard;
  }

  override hearTftp(bytes: Buffer, client: string): TftpAnswer | undefined {
    const heard = super.hearTftp(bytes, client);
    this.words.push({ protocol: "tftp", port: 69, hex: bytes.toString("hex") });
    const packet =
      heard?.type === "transfer"
        ? encodeOptionAck(heard.terms.granted)
        : encodeError(heard?.code ?? tftpError.undefined, heard?.why ?? "");
    this.said.push({ hex: packet.toString("hex") });
    return heard;
  }

  override async hearHttp(request: HttpRequest): Promise<HeardHttp> {
    const heard = await super.hearHttp(request);
    const { method, target } = request;
    this.words.push({ protocol: "http", method, target, headers: request.headers as Record<string, string> });
    const { status, headers, body } = heard;
    this.said.push({ status, headers, body: method === "HEAD" ? "" : body.toString("base64") });
    return heard;
  }
}
