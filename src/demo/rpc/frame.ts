import type { OutgoingHttpHeaders } from 'node:http';
import type { Code } from '@connectrpc/connect';
import type { Visit } from '../visit.ts';

/** The trailers that grpc-go announces under net/http, in every answer. */
export const GRPC_GO_TRAILER = 'Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin';

/** One frame of gRPC and gRPC-Web: a flag byte, a length of four bytes, the payload. */
export function frame(flags: number, payload: Uint8Array | string): Buffer {
  const bytes = Buffer.from(payload as string);
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** A message percent-encoded for `grpc-message` (gRPC over HTTP/2, "Responses"). */
function percentEncoded(message: string): string {
  return Array.from(Buffer.from(message), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

/** Answers a gRPC call with a status the way grpc-go does under net/http: HEADERS, then trailing HEADERS. */
export function answerStatus(visit: Visit, code: Code, message: string, headers: OutgoingHttpHeaders = {}): void {
  const { reply } = visit;
  reply.writeHead(200, { 'content-type': visit.header('content-type'), trailer: GRPC_GO_TRAILER, ...headers });
  reply.addTrailers({ 'grpc-status': String(code), 'grpc-message': percentEncoded(message) });
  reply.end();
  visit.request.resume();
}

/** Answers a gRPC-Web call with a status: a trailer frame in the body. */
export function answerWebStatus(visit: Visit, code: Code, message: string, headers: OutgoingHttpHeaders = {}): void {
  const trailers = frame(0x80, `grpc-status: ${code}\r\ngrpc-message: ${percentEncoded(message)}\r\n`);
  const type = visit.contentType;
  const body = type.startsWith('application/grpc-web-text') ? trailers.toString('base64') : trailers;
  visit.send(200, { 'content-type': type, ...headers }, body);
}

/** Answers with one HEADERS frame that ends the stream ("Trailers-Only"). */
export function answerTrailersOnly(visit: Visit, code: Code, message: string): void {
  visit.stream?.respond(
    {
      ':status': 200,
      'content-type': visit.header('content-type'),
      'grpc-status': String(code),
      'grpc-message': percentEncoded(message),
    },
    { endStream: true },
  );
  visit.request.resume();
}
