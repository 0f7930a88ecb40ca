/** Certificates of clients: who may connect, and what an upstream is told of who it was. */

import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClientCertificate, Fields } from '../core/raw.ts';
import { subjectOf } from './distinguished-name.ts';

/** What can be passed on; the names of the fields are in `FIELD_NAMES`. */
export const CLIENT_CERTIFICATE_FIELDS = ['subject', 'issuer', 'san', 'serial', 'fingerprint', 'certificate'] as const;
/** A field that tells an upstream of a client's certificate. */
export type ClientCertificateField = (typeof CLIENT_CERTIFICATE_FIELDS)[number];

/** Clients may never send these: `core/headers.ts` drops them on every listener. */
const FIELD_NAMES: Readonly<Record<ClientCertificateField, string>> = {
  subject: 'x-client-cert-subject',
  issuer: 'x-client-cert-issuer',
  san: 'x-client-cert-san',
  serial: 'x-client-cert-serial',
  fingerprint: 'x-client-cert-fingerprint',
  certificate: 'client-cert', // RFC 9440
};

/** Values longer than this, in bytes, are left out: upstreams refuse a head that is too long, and the request with it. */
const MAX_VALUE_BYTES = 8192;

/** What a listener asks of the certificates of clients. */
export interface ClientCertificateSettings {
  /** Certificates of the authorities that may have issued one, PEM. */
  readonly authorities: readonly string[];
  /** Lists of revoked ones, PEM. With one, every authority of a chain needs one. */
  readonly revoked: readonly string[];
  /** Whether a client without one may connect. One that does not verify never may. */
  readonly required: boolean;
  readonly passOn: readonly ClientCertificateField[];
}

/** Why a client may not connect; `code` as OpenSSL has it. */
export interface ClientRefusal {
  readonly reason: 'client certificate refused' | 'client certificate missing';
  readonly code: string;
}

/** Tells who is at the other end of a handshake that is over; `now` in milliseconds since the epoch. */
export function clientOf(
  socket: TLSSocket,
  { required, passOn }: ClientCertificateSettings,
  now: number,
): { readonly client: ClientCertificate | undefined } | ClientRefusal {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return required ? { reason: 'client certificate missing', code: 'NO_CERTIFICATE' } : { client: undefined };
  }
  if (!socket.authorized) return { reason: 'client certificate refused', code: refusalCode(socket) };
  // Who resumes a session is not verified again, and may go on doing so when the certificate is over.
  if (now > certificate.validToDate.getTime()) {
    return { reason: 'client certificate refused', code: 'CERT_HAS_EXPIRED' };
  }
  return { client: clientCertificate(certificate, passOn) };
}

/** What OpenSSL had against the certificate; Node 26 gives the code where its types have an Error. */
export function refusalCode({ authorizationError }: TLSSocket): string {
  return typeof authorizationError === 'string' ? authorizationError : 'UNVERIFIED';
}

/** What is known of a certificate that was verified. */
export function clientCertificate(
  certificate: X509Certificate,
  passOn: readonly ClientCertificateField[],
): ClientCertificate {
  const subject = subjectOf(certificate.subject);
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex');
  const values: Readonly<Record<ClientCertificateField, () => string>> = {
    subject: () => subject,
    issuer: () => subjectOf(certificate.issuer),
    san: () => certificate.subjectAltName ?? '',
    serial: () => certificate.serialNumber,
    fingerprint: () => fingerprint,
    certificate: () => `:${certificate.raw.toString('base64')}:`,
  };
  const fields: Fields = [];
  for (const field of passOn) {
    const value = values[field]();
    // What Node does not escape is no text for a header field.
    if (value !== '' && value.length <= MAX_VALUE_BYTES && /^[\x20-\x7e]+$/.test(value)) {
      fields.push(FIELD_NAMES[field], value);
    }
  }
  return { subject, fingerprint, fields };
}
