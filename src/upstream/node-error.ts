/** The only file that knows the error codes of Node, of OpenSSL and of http2-wrapper. */

import { GatewayError } from '../core/errors.ts';
import { type Reset, ResetCode } from '../core/raw.ts';

/** Codes with which Node says that a certificate does not verify; `X509_verify_cert_error_string` of OpenSSL. */
const CERTIFICATE = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/;
/** The other side speaks no TLS, or not with what is spoken inside it. */
const NO_TLS = /^(?:EPROTO$|ERR_SSL_(?:WRONG_VERSION|PACKET_LENGTH|RECORD_|HTTP_|.*NO_APPLICATION_PROTOCOL))/;
/** A TLS alert: a certificate of ours that is missing or not accepted, or no version in common. */
const ALERT = /^ERR_SSL_/;
/** The other side does not speak HTTP/2, or not well. */
const NO_HTTP2 = /^ERR_HTTP2_(?:ERROR|SESSION_ERROR|TOO_MANY_INVALID_FRAMES|PROTOCOL_ERROR)$/;
/** Fields of the request that Node does not let out: what the client sent cannot be said to the upstream. */
const FIELDS =
  /^ERR_(?:HTTP2_HEADER_SINGLE_VALUE|HTTP2_INVALID_CONNECTION_HEADERS|HTTP2_INVALID_HEADER_VALUE|INVALID_CHAR|INVALID_HTTP_TOKEN|HTTP_INVALID_HEADER_VALUE)$/;

/** A failure to get a session, or to open a stream on it, as the catalogue names it. `where` is the endpoint, for the log. */
export function connectError(thrown: unknown, where: string): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const error = thrown as NodeJS.ErrnoException;
  const code = error.code ?? error.name ?? 'unknown';
  const detail = `${where}: ${code}`;
  if (code === 'ETIMEDOUT') return new GatewayError('CONNECT_TIMEOUT', { detail, cause: error });
  if (CERTIFICATE.test(code)) return new GatewayError('UPSTREAM_TLS', { detail, cause: error });
  if (NO_TLS.test(code)) {
    return new GatewayError('UPSTREAM_PROTOCOL', { detail: `${detail} (is the endpoint TLS?)`, cause: error });
  }
  if (ALERT.test(code)) return new GatewayError('UPSTREAM_TLS', { detail, cause: error });
  if (NO_HTTP2.test(code)) {
    return new GatewayError('UPSTREAM_PROTOCOL', { detail: `${detail} (does it speak HTTP/2?)`, cause: error });
  }
  if (FIELDS.test(code)) return new GatewayError('BAD_HEADER', { detail, cause: error });
  if (code === 'ERR_UNESCAPED_CHARACTERS') return new GatewayError('BAD_PATH', { detail, cause: error });
  return new GatewayError('CONNECT_FAILED', { detail: `${detail} ${error.message ?? ''}`.trim(), cause: error });
}

/** How a stream of an upstream ended badly, as the catalogue names it. `begun`: the head of the answer had gone on. */
export function resetError(reset: Reset, begun: boolean): GatewayError {
  const { cause } = reset;
  if (cause instanceof GatewayError) return cause;
  const said = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  // Node's parser of HTTP/1.1 gave up on the answer.
  if (said.startsWith('HPE_') && !begun) return new GatewayError('UPSTREAM_PROTOCOL', { detail: said, cause });
  const code = begun ? 'UPSTREAM_CUT' : reset.unprocessed ? 'UPSTREAM_REFUSED' : 'UPSTREAM_RESET';
  const how = reset.by === 'peer' ? `RST_STREAM ${reset.code}` : 'connection lost';
  return new GatewayError(code, { detail: said === '' ? how : `${how} ${said}`, cause });
}

/**
 * Whether a reset speaks against the endpoint. PROTOCOL_ERROR and CANCEL of one stream can be had by a client with a
 * request that is made for it: else clients could take endpoints out. What was certainly not processed is how an endpoint
 * ends in good order (GOAWAY with NO_ERROR, REFUSED_STREAM): whether it is still there is for a check to find out.
 */
export function countsAgainst(reset: Reset): boolean {
  if (reset.unprocessed) return false;
  return reset.by === 'connection' || (reset.code !== ResetCode.PROTOCOL_ERROR && reset.code !== ResetCode.CANCEL);
}
