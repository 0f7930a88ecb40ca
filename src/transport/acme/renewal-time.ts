/** When a certificate is renewed: as its authority suggests (ARI, RFC 9773), or a while before its end. */

import { createHash, X509Certificate } from 'node:crypto';

const DAY_MS = 86_400_000;

/** Between these times, in milliseconds since the epoch. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** How RFC 9773 names a certificate: its authority's key and its serial number; undefined where it has no AKI. */
export function certificateId(pem: string): string | undefined {
  const certificate = new X509Certificate(pem);
  const aki = authorityKeyId(certificate.raw);
  if (aki === undefined) return undefined;
  const hex = certificate.serialNumber.length % 2 === 0 ? certificate.serialNumber : `0${certificate.serialNumber}`;
  const bytes = Buffer.from(hex, 'hex');
  // As DER has it: a first bit that is set would make it negative.
  const serial = bytes[0]! >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
  return `${aki.toString('base64url')}.${serial.toString('base64url')}`;
}

/** The key identifier of extension 2.5.29.35, whose only or first member it is in all public certificates. */
function authorityKeyId(der: Buffer): Buffer | undefined {
  const at = der.indexOf(Buffer.from('0603551d2304', 'hex'));
  if (at < 0) return undefined;
  // OCTET STRING { SEQUENCE { [0] keyIdentifier … } }, all of them short.
  const inside = at + 7;
  const length = der[inside + 3];
  if (der[inside] !== 0x30 || der[inside + 2] !== 0x80 || length === undefined || length > 64) return undefined;
  const found = der.subarray(inside + 4, inside + 4 + length);
  return found.length === length ? found : undefined;
}

/** The window that a directory suggests; undefined where it makes no sense. */
export function suggestedWindow(json: Readonly<Record<string, unknown>>): Window | undefined {
  const { start, end } = Object(json.suggestedWindow) as Record<string, unknown>;
  const window = { start: Date.parse(String(start)), end: Date.parse(String(end)) };
  return window.end > window.start ? window : undefined;
}

/** Without a suggestion: from `renewBeforeMs` before the end on, by default a third of the life, within a tenth of it. */
export function usualWindow(certificate: string, renewBeforeMs: number | undefined): Window {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const until = validToDate.getTime();
  const lifeMs = until - validFromDate.getTime();
  // More than its whole life would mean an order without end.
  const beforeMs = Math.min(renewBeforeMs ?? lifeMs / 3, (lifeMs * 2) / 3);
  const start = until - beforeMs;
  return { start, end: start + Math.min(beforeMs / 10, DAY_MS) };
}

/** A time in the window, always the same for one certificate, so that a restart does not draw again. */
export function timeIn({ start, end }: Window, certificate: string): number {
  const { fingerprint256 } = new X509Certificate(certificate);
  const share = createHash('sha256').update(fingerprint256).digest().readUInt32BE(0) / 2 ** 32;
  return start + share * (end - start);
}
