/** The config of the gateway that the bench starts: the preset as it is, with limits that one busy client does not meet. */

/** What the config needs to know. */
export interface GatewayFiles {
  readonly port: number;
  readonly adminPort: number;
  readonly standInPort: number;
  readonly certificate: string;
  readonly key: string;
  /** Whether every request gets a line. */
  readonly accessLog: boolean;
  /** What speaks HTTP/2 to the upstream; as the gateway has it by default, if not given. */
  readonly http2Engine?: 'node' | 'frames';
}

/** Every limit that counts by address or token: all clients of the bench are one. Checked as ever, only wider. */
const WIDE: Readonly<Record<string, readonly [limit: string, key: string][]>> = {
  login: [['login-address', 'address']],
  token: [['token-address', 'address']],
  api: [
    ['api-address', 'address'],
    ['api-token', 'bearer'],
  ],
  discovery: [['discovery-address', 'address']],
  asset: [['asset-address', 'address']],
};

/** YAML for `gatehouse serve --config`. The class `device` is what refuses: one request an hour. */
export function gatewayConfig(files: GatewayFiles): string {
  const { port, adminPort, standInPort, certificate, key, accessLog, http2Engine } = files;
  const classes = Object.entries(WIDE).map(
    ([name, limits]) => `  ${name}:
    rate_limit:
      limits:
${limits
  .map(([limit, by]) => `        ${limit}: { key: [${by}], requests: 1000000, period_s: 1, burst: 1000000 }`)
  .join('\n')}`,
  );
  return `preset: zitadel
listeners:
  - name: public
    address: "127.0.0.1:${port}"
    tls:
      certificates:
        - certificate_file: ${certificate}
          key_file: ${key}
upstreams:
  zitadel:
    protocol: h2c
    endpoints: ["127.0.0.1:${standInPort}"]${http2Engine === undefined ? '' : `\n    http2_engine: ${http2Engine}`}
routes:
  # What the stand-in has besides ZITADEL: a service with streams.
  - name: demo
    paths: ["/gatehouse.demo.v1.StreamService/{rpc}"]
    policies: { deadline: { answer_ms: 0 } }
classes:
${classes.join('\n')}
  device:
    rate_limit:
      limits:
        device-address: { key: [address], requests: 1, period_s: 3600, burst: 1 }
limits:
  per_connection: { header_bytes_per_s: 0, resets_per_s: 0 }
  per_address: { header_bytes_per_s: 0, resets_per_s: 0, connections_per_s: 0, open_connections: 0 }
log: { access: ${accessLog} }
admin:
  address: "127.0.0.1:${adminPort}"
# All in one thread, on one core.
workers: 0
shutdown:
  drain_delay_ms: 0
  timeout_ms: 500
`;
}
