/** Where a lab's servers listen, and with what; what is not said is the server's own default. Paths are absolute. */
export interface LabSettings {
  http: ListenSettings & {
    /** How machines reach it, when it is not by its address and port: `http://matchbox.example.com:8080`. */
    url?: string;
    /** Whether what happens is told at /events to whoever asks; without it only to the owner of the state directory. */
    events?: true;
    /** TLS on a port of its own. */
    tls?: ListenSettings & { certificate: string; key: string };
  };
  tftp: ListenSettings;
  /**
   * Which machines boot without anybody's leave: all or none; undefined: those that the lab describes or that a group with a
   * selector is for.
   */
  approve?: "auto" | "manual";
  /** With mutual TLS; undefined: no gRPC. */
  grpc?: ListenSettings & {
    certificate: string;
    key: string;
    /** Certificate of the authority that clients' certificates are of. */
    ca: string;
  };
}

export interface ListenSettings {
  address?: string;
  port?: number;
}

/** Of matchbox's layout alone: as with matchbox, all machines boot. */
export const noSettings: LabSettings = { http: {}, tftp: {}, approve: "auto" };
