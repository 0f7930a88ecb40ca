/** Says whether an answer is right: status, gRPC status, messages, and the body to the last byte. */

import { createHash } from 'node:crypto';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Call } from './call.ts';
import type { Expectation } from './plan.ts';
import { readRpcBody } from './rpc-body.ts';

/** Bodies that are remembered as right, for each request; where they differ each time, no more are. */
const MOST_KNOWN = 256;

const DECODERS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  '': (body) => body,
  identity: (body) => body,
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** Judges answers. A body is read in full the first time it comes, and told by its CRC and length afterwards. */
export class Judge {
  readonly #known = new Map<Expectation, Set<string>>();

  /** What is wrong, in few words; undefined where nothing is. */
  wrong(call: Call): string | undefined {
    const { expectation } = call.request;
    const { form, statuses, grpcStatus } = expectation;
    if (!statuses.includes(call.status)) return `status ${call.status}`;
    const inTrailers = form === 'grpc' || (form !== 'http' && form !== 'connect' && call.grpcStatus !== undefined);
    if (inTrailers && call.grpcStatus !== grpcStatus) return `grpc-status ${call.grpcStatus ?? 'missing'}`;
    let known = this.#known.get(expectation);
    if (known === undefined) {
      known = new Set();
      this.#known.set(expectation, known);
    }
    const key = `${call.coding} ${call.bytes} ${call.crc} ${call.grpcStatus ?? ''}`;
    if (known.has(key)) return undefined;
    const wrong = wrongBody(call, expectation);
    if (wrong === undefined && known.size < MOST_KNOWN) known.add(key);
    return wrong;
  }
}

function wrongBody(call: Call, { form, grpcStatus, messages, digest }: Expectation): string | undefined {
  const body = plainBody(call);
  if (body === undefined) return `content-encoding ${call.coding}`;
  if (digest !== undefined && digestOf(body) !== digest) return 'another body';
  if (form === 'http' || form === 'connect') return undefined;
  const found = readRpcBody(form, body);
  if (!found.whole) return 'a message is cut off';
  const said = found.grpcStatus ?? call.grpcStatus;
  if (said !== grpcStatus) return `grpc-status ${said ?? 'missing'}`;
  if (messages !== undefined && found.messages !== messages) return `${found.messages} messages`;
  return undefined;
}

/** The body without its content coding; undefined where that cannot be undone. */
export function plainBody({ coding, chunks }: Call): Buffer | undefined {
  try {
    return DECODERS[coding]?.(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  } catch {
    return undefined;
  }
}

/** SHA-256 in hex. */
export function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
