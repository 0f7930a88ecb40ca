/**
 * A server that does next to nothing, to see what a generator can do: it reads frames, not headers, and has one answer.
 * `node fast-server.ts PORT GRPC_PORT`: HTTP/2 in the clear and HTTP/1.1 (GET) on the first, gRPC on the
 * second. Says the two ports when it takes connections; 0 is any that is free.
 */

import { once } from 'node:events';
import net from 'node:net';
import { Flag, FrameType, HEAD_BYTES, PREFACE } from '../../src/http2/protocol.ts';
import { FrameCutter } from '../load/frame-cutter.ts';
import { FrameWriter } from '../load/frame-writer.ts';

const JSON_BODY = Buffer.from('{}');
/** One message without fields. */
const GRPC_BODY = Buffer.alloc(5);
const H1_ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${JSON_BODY.length}\r\n\r\n${JSON_BODY}`,
);
const HEAD_END = '\r\n\r\n';
/** WINDOW_UPDATE after so much of what clients sent; half of what they may. */
const GRANT_BYTES = 32_768;

interface Template {
  readonly bytes: Buffer;
  /** Where stream ids stand in it. */
  readonly ids: readonly number[];
}

/** `:status: 200` of the static table, and fields without indexing: the same bytes on every connection. */
function block(fields: readonly (readonly [name: string | number, value: string])[], status = true): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const parts = fields.flatMap(([name, value]) => [
    typeof name === 'number' ? Buffer.from([0x0f, name - 0x0f]) : Buffer.concat([Buffer.from([0]), text(name)]),
    text(value),
  ]);
  return Buffer.concat([...(status ? [Buffer.from([0x88])] : []), ...parts]);
}

function template(frames: readonly (readonly [type: number, flags: number, payload: Buffer])[]): Template {
  const [parts, ids]: [Buffer[], number[]] = [[], []];
  let at = 0;
  for (const [type, flags, payload] of frames) {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    parts.push(head, payload);
    ids.push(at + 5);
    at += HEAD_BYTES + payload.length;
  }
  return { bytes: Buffer.concat(parts), ids };
}

const CONTENT_TYPE = 31;
const HTTP = template([
  [FrameType.HEADERS, Flag.END_HEADERS, block([[CONTENT_TYPE, 'application/json']])],
  [FrameType.DATA, Flag.END_STREAM, JSON_BODY],
]);
const GRPC = template([
  [FrameType.HEADERS, Flag.END_HEADERS, block([[CONTENT_TYPE, 'application/grpc']])],
  [FrameType.DATA, 0, GRPC_BODY],
  [FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, block([['grpc-status', '0']], false)],
]);

function speakH2(socket: net.Socket, first: Buffer, answer: Template): void {
  const out = new FrameWriter(socket);
  let received = 0;
  const cutter = new FrameCutter((type, flags, id, bytes, start, end) => {
    if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) out.frame(type, Flag.ACK, 0, Buffer.alloc(0));
    else if (type === FrameType.PING && (flags & Flag.ACK) === 0)
      out.frame(type, Flag.ACK, 0, bytes.subarray(start, end));
    else if (type === FrameType.DATA) {
      received += end - start;
      if (received >= GRANT_BYTES) {
        out.grant(0, received);
        received = 0;
      }
    }
    if ((type !== FrameType.HEADERS && type !== FrameType.DATA) || (flags & Flag.END_STREAM) === 0) return;
    const copy = Buffer.from(answer.bytes);
    for (const at of answer.ids) copy.writeUInt32BE(id, at);
    out.raw(copy);
  });
  out.frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(0));
  const take = (chunk: Buffer): void => {
    try {
      cutter.take(chunk);
    } catch {
      socket.destroy();
    }
  };
  take(first.subarray(PREFACE.length));
  socket.on('data', take);
}

function speakH1(socket: net.Socket, first: Buffer): void {
  let rest = '';
  const take = (chunk: Buffer): void => {
    const heads = (rest + chunk.toString('latin1')).split(HEAD_END);
    rest = heads.pop()!.slice(-8192);
    for (const _ of heads) socket.write(H1_ANSWER);
  };
  take(first);
  socket.on('data', take);
}

async function serve(port: number, answer: Template): Promise<number> {
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    let begin = Buffer.alloc(0);
    socket.on('data', function know(chunk: Buffer) {
      begin = Buffer.concat([begin, chunk]);
      if (begin.length < PREFACE.length) return;
      socket.off('data', know);
      if (begin.subarray(0, PREFACE.length).equals(PREFACE)) speakH2(socket, begin, answer);
      else speakH1(socket, begin);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

const [port, grpcPort] = process.argv.slice(2).map(Number);
process.stdout.write(`${await serve(port!, HTTP)} ${await serve(grpcPort!, GRPC)}\n`);
