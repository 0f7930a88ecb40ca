import http from 'node:http';
import { type AdminOptions, createAdmin } from '../../src/admin/server.ts';

export const TOKEN = 'correct-horse-battery';

/** An answer as it came, body not decoded. */
export interface Got {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

/** What a test asks with. */
export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer | string;
  /** Another address of loopback to come from. */
  from?: string;
}

/** An admin listener on a free port, and a client of it. */
export interface StartedAdmin extends AsyncDisposable {
  readonly port: number;
  get(path: string, asked?: Asked): Promise<Got>;
  close(deadlineMs: number): Promise<void>;
}

/** A source of metrics. */
export const metricsOf = (text: () => Promise<string>): AdminOptions['metrics'] => ({
  text,
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
});

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** Starts one; sources that a test does not care for say little. */
export async function startAdmin(options: Partial<AdminOptions> = {}): Promise<StartedAdmin> {
  const admin = createAdmin({
    port: 0,
    ready: () => ({ ok: true, details: { listeners: 1 } }),
    metrics: metricsOf(async () => 'gatehouse_up 1\n'),
    config: () => ({ listeners: [] }),
    upstreams: () => [{ name: 'zitadel' }],
    status: async () => ({ ready: true }),
    certificates: () => [{ listener: 'public', names: ['id.example.com'] }],
    limits: () => ({ rates: { used: 1, capacity: 1024, overflows: 0 } }),
    hottestKeys: (most) => [{ rule: 'login', key: '192.0.2.1', taken: 9 }].slice(0, most),
    bans: () => [{ id: 'b1', rule: 'login', key: '192.0.2.1' }],
    liftBan: (id) => id === 'b1',
    explain: async ({ method, url, ip }) => `${method} ${url} from ${ip}`,
    ...options,
  });
  const { port, family } = await admin.listen();
  let closed: Promise<void> | undefined;
  const close = (deadlineMs: number): Promise<void> => {
    closed ??= admin.close(deadlineMs);
    return closed;
  };
  return {
    port,
    close,
    get: (path, asked = {}) => get(family === 'IPv6' ? '::1' : '127.0.0.1', port, path, asked),
    [Symbol.asyncDispose]: () => close(0),
  };
}

function get(host: string, port: number, path: string, asked: Asked): Promise<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<Got>();
  const { method = 'GET', headers = {}, from } = asked;
  const request = http.request(
    { host, port, path, method, headers, agent: false, ...(from === undefined ? {} : { localAddress: from }) },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        resolve({ status: answer.statusCode!, headers: answer.headers, body, text: body.toString() });
      });
    },
  );
  request.on('error', reject);
  request.end(asked.body);
  return promise;
}
