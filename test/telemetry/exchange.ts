import type { AccessRecord, Exchange } from '../../src/core/exchange.ts';
import type { RawRequest } from '../../src/core/raw.ts';

/** What a test wants to be different of an exchange. */
export interface Wanted {
  raw?: Partial<RawRequest>;
  headers?: Record<string, string | string[] | undefined>;
  record?: Partial<AccessRecord>;
  route?: string;
  dialect?: string;
}

/** An exchange that has ended, as far as telemetry looks at it; 200 from an upstream where nothing else is wanted. */
export function endedExchange(wanted: Wanted = {}): { exchange: Exchange; record: AccessRecord } {
  const record = {
    started: 1000,
    wall: 0,
    firstByte: 1010,
    upstreamStarted: 1002,
    upstreamEnded: 1012.3456,
    closed: 1012.5,
    status: 200,
    grpcStatus: undefined,
    bytesIn: 10,
    bytesOut: 2000,
    endpoint: '10.0.0.7:8080',
    attempts: 1,
    error: undefined,
    reported: [],
    upstreamRequestId: 'from-zitadel',
    answeredBy: 'upstream',
    cache: undefined,
    ...wanted.record,
  } satisfies AccessRecord;
  const exchange = {
    id: 'made-here',
    raw: {
      method: 'GET',
      target: '/oauth/v2/keys',
      authority: 'auth.example.com',
      httpVersion: '2.0',
      connection: {
        id: 1,
        listener: 'public',
        peerAddress: '10.1.2.3',
        tlsVersion: 'TLSv1.3',
        serverName: 'auth.example.com',
      },
      ...wanted.raw,
    },
    client: { address: '192.0.2.1', trustedPeer: true, mayBeProxy: false, internal: false, scheme: 'https' },
    dialect: { name: wanted.dialect ?? 'http' },
    head: { headers: { 'user-agent': 'curl/8', ...wanted.headers } },
    route: { name: wanted.route ?? 'jwks', upstream: 'zitadel', form: 'oauth', class: 'discovery' },
    record,
  };
  return { exchange: exchange as unknown as Exchange, record };
}
