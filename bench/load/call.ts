/** A request on its way, and what has come of its answer. */

import { crc32 } from 'node:zlib';
import type { PlannedRequest } from './plan.ts';

/** One call. Times are of `performance.now()`. */
export class Call {
  readonly request: PlannedRequest;
  /** When it should have been sent: latency counts from here. */
  readonly due: number;
  /** What `{n}` in the path stands for. */
  readonly serial: string;
  /** When it was written; 0 before. */
  sentAt = 0;
  status = 0;
  coding = '';
  grpcStatus: string | undefined;
  /** What revalidation needs, and nothing else does. */
  etag: string | undefined;
  modified: string | undefined;
  /** Of the raw body. */
  crc = 0;
  bytes = 0;
  readonly chunks: Buffer[] = [];

  constructor(request: PlannedRequest, due: number, serial: string) {
    this.request = request;
    this.due = due;
    this.serial = serial;
  }

  get path(): string {
    return this.request.path.includes('{n}') ? this.request.path.replace('{n}', this.serial) : this.request.path;
  }

  /** Reads a head or trailers: names lower-case, names and values in turn. */
  head(fields: readonly string[]): void {
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === ':status') this.status = Number(fields[i + 1]);
      else if (name === 'grpc-status') this.grpcStatus = fields[i + 1]!;
      else if (name === 'content-encoding') this.coding = fields[i + 1]!;
      else if (name === 'etag') this.etag = fields[i + 1]!;
      else if (name === 'last-modified') this.modified = fields[i + 1]!;
    }
  }

  /** The next bytes of the body. They must stay as they are. */
  data(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.bytes += bytes.length;
    this.crc = crc32(bytes, this.crc);
    this.chunks.push(bytes);
  }

  /** As if it had never been sent. */
  again(): Call {
    return new Call(this.request, this.due, this.serial);
  }
}
