/** Where a lab's servers listen, and with what; what is not said is the server's own default. Paths are absolute. */
export interface LabSettings {
  http: ListenSettings & {
    /** How machines reach it, when it is not by its address and port: `http://matchbox.example.com:8080`. */
    url?: string;
    /** TLS on a port of its own. */
    tls?: ListenSettings & { certificate: string; key: string };
  };
  tftp: ListenSettings;
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

export const noSettings: LabSettings = { http: {}, tftp: {} };
