/** A kubeconfig to write: whose certificate, and where its API server is. */
export interface KubeconfigRequest {
  /** Name under `slipway:kubeconfig/`. */
  name: string;
  /** Name of the certificate request. */
  certificate: string;
  user: string;
  server: string;
}
