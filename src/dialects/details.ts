/**
 * Error details of google.rpc in the protobuf wire format, by hand: the few messages are small and final, and the
 * gateway so needs no protobuf at run time. https://github.com/googleapis/googleapis/tree/master/google/rpc
 */

import { GrpcStatus } from '../core/catalogue.ts';
import type { GatewayError } from '../core/errors.ts';
import { retryDelayMs } from './retry.ts';

/** One error detail: its type without the `type.googleapis.com/` before it, and its message in wire format. */
export interface Detail {
  readonly type: string;
  readonly value: Buffer;
}

/**
 * What an error says beside its code and message: RetryInfo, where it says when to come again, and QuotaFailure, where a
 * rule of the config says that there was too much.
 */
export function detailsOf(error: GatewayError): readonly Detail[] {
  const details: Detail[] = [];
  const delayMs = retryDelayMs(error);
  if (delayMs !== undefined) details.push({ type: 'google.rpc.RetryInfo', value: retryInfo(delayMs) });
  const violation = violationOf(error);
  if (violation !== undefined) details.push({ type: 'google.rpc.QuotaFailure', value: quotaFailure(violation) });
  return details;
}

/** Which quota was exceeded, for people and programs. */
export interface Violation {
  /** The rule's name. */
  readonly subject: string;
  readonly description: string;
}

/** What an error exceeded, or undefined where it is of another kind. */
export function violationOf(error: GatewayError): Violation | undefined {
  const { rule, quotas, row } = error;
  if (rule === undefined || row.grpc !== GrpcStatus.RESOURCE_EXHAUSTED) return undefined;
  const quota = quotas.find((one) => one.rule === rule);
  const description = quota === undefined ? error.message : `${quota.quota} in ${quota.windowS} s`;
  return { subject: rule, description };
}

/** A google.rpc.QuotaFailure with one of its `violations` (1): `subject` (1) and `description` (2). */
function quotaFailure({ subject, description }: Violation): Buffer {
  return Buffer.from(message(1, bytes(1, octets(subject)) + bytes(2, octets(description))), 'latin1');
}

/** A google.rpc.RetryInfo: `retry_delay` (1) is a google.protobuf.Duration of `seconds` (1) and `nanos` (2). */
export function retryInfo(delayMs: number): Buffer {
  const parts = number(1, Math.floor(delayMs / 1000)) + number(2, (delayMs % 1000) * 1_000_000);
  return Buffer.from(message(1, parts), 'latin1');
}

/** A google.rpc.Status: `code` (1), `message` (2), and `details` (3), each a google.protobuf.Any. */
export function rpcStatus(code: number, text: string, details: readonly Detail[]): Buffer {
  const parts = details.map(({ type, value }) =>
    message(3, bytes(1, `type.googleapis.com/${type}`) + bytes(2, value.toString('latin1'))),
  );
  return Buffer.from(number(1, code) + bytes(2, octets(text)) + parts.join(''), 'latin1');
}

/** Bytes as `-bin` fields of gRPC and details of Connect have them: base64 without padding. */
export function unpaddedBase64(value: Buffer): string {
  return value.toString('base64').replace(/=+$/, '');
}

/**
 * Bytes as a text with a character for each. Parts are put together so: a Buffer for each would cost most of a refusal.
 */
type Octets = string;

/** A text in UTF-8. */
function octets(text: string): Octets {
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1');
}

/** A field of a whole number that is not negative, wire type 0; absent where it is zero, as proto3 has it. */
function number(field: number, value: number): Octets {
  return value === 0 ? '' : String.fromCharCode(field << 3) + varint(value);
}

/** A field of bytes or text, wire type 2; absent where it is empty, as proto3 has it. */
function bytes(field: number, value: Octets): Octets {
  return value === '' ? '' : message(field, value);
}

/** A field of a message, wire type 2; an empty one is there all the same. */
function message(field: number, parts: Octets): Octets {
  return String.fromCharCode((field << 3) | 2) + varint(parts.length) + parts;
}

/** Seven bits a byte, lowest first; without bit operations, which would end at 32 bits. */
function varint(value: number): Octets {
  let out = '';
  let rest = value;
  while (rest > 0x7f) {
    out += String.fromCharCode((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return out + String.fromCharCode(rest);
}
