/** What `npm start` runs: the gateway in front of a stand-in for ZITADEL, with a config that can be read. */

import { fileURLToPath } from 'node:url';
import { startLoginStandIn } from '../demo/login-stand-in.ts';
import { startStandIn } from '../demo/stand-in.ts';

/** A stand-in that runs, and the config of the gateway before it. */
export interface Demo {
  readonly configFile: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What a person may try first. */
  welcome(listeners: readonly { name: string; port: number }[]): string;
  close(): Promise<void>;
}

/** Starts both stand-ins on free ports; the config names them by environment variables. */
export async function startDemo(): Promise<Demo> {
  const standIn = await startStandIn({ loginV2: true });
  const login = await startLoginStandIn({ apiUrl: standIn.url });
  const configFile = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));
  return {
    configFile,
    environment: {
      ZITADEL_UPSTREAM: new URL(standIn.url).host,
      LOGIN_UPSTREAM: new URL(login.url).host,
    },
    welcome(listeners) {
      const port = listeners.find(({ name }) => name === 'public')?.port ?? listeners[0]!.port;
      const url = `https://localhost:${port}`;
      return [
        `Gatehouse is running on ${url} in front of a stand-in for ZITADEL (${standIn.url}, Login v2 ${login.url}).`,
        `The Console is at ${url}/ui/console/ (the certificate is a development one: your browser will ask).`,
        '',
        'Three things to try:',
        `  curl -sk --http2 ${url}/.well-known/openid-configuration`,
        `  curl -sk --http1.1 ${url}/admin/v1/healthz`,
        `  grpcurl -insecure localhost:${port} zitadel.admin.v1.AdminService/Healthz`,
        `  (without grpcurl: printf '\\0\\0\\0\\0\\0' | curl -sk --http2 ${url}/zitadel.admin.v1.AdminService/Healthz -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @- -D -)`,
        '',
        'Ctrl-C ends it.',
        '',
      ].join('\n');
    },
    async close() {
      await Promise.all([standIn.close(), login.close()]);
    },
  };
}
