/** grpc.health.v1, https://github.com/grpc/grpc/blob/master/doc/health-checking.md, in bytes made by hand. */

import { getField } from '../../core/headers.ts';
import type { PoolSettings } from '../pool.ts';
import { askedAlone } from './asked.ts';
import type { Check } from './check.ts';
import type { CheckSettings } from './settings.ts';

const PATH = '/grpc.health.v1.Health/Check';

/** `ServingStatus`. */
const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const SERVING = 1;

/** Length-prefixed HealthCheckRequest: field 1, `service`, is at most 127 bytes long here. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  if (name.length > 127) throw new Error(`service is longer than 127 bytes: ${service}`);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The status of a length-prefixed HealthCheckResponse; undefined where the bytes are none. */
export function healthStatus(bytes: Uint8Array): number | undefined {
  // Compressed or several messages are nothing that was asked for.
  if (bytes.length < 5 || bytes[0] !== 0) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  const message = bytes.subarray(5);
  if (message.length !== length) return undefined;
  // Proto3 leaves out what is zero.
  if (length === 0) return 0;
  return length === 2 && message[0] === 0x08 && message[1]! < 0x80 ? message[1] : undefined;
}

/** Ready is who says SERVING. */
export function grpcCheck({ host, service, timeoutMs }: CheckSettings, pool: PoolSettings): Check {
  const body = healthRequest(service);
  const fields = ['content-type', 'application/grpc', 'te', 'trailers', 'user-agent', 'gatehouse-check'];
  const options = { method: 'POST', path: PATH, authority: host, fields, body, timeoutMs };
  return (address, signal) =>
    askedAlone(address, pool, options, signal, ({ status, fields: head, trailers, bytes }) => {
      if (status !== 200) return { ready: false, found: `status ${status}` };
      const said = getField(trailers, 'grpc-status') ?? getField(head, 'grpc-status');
      if (said !== '0') return { ready: false, found: said === undefined ? 'no grpc-status' : `grpc-status ${said}` };
      const serving = healthStatus(bytes);
      const found = serving === undefined ? 'no health answer' : (STATUSES[serving] ?? `serving status ${serving}`);
      return { ready: serving === SERVING, found };
    });
}
