import { setTimeout as after } from 'node:timers/promises';
import type { Message } from '@bufbuild/protobuf';
import type { GenMessage, GenService } from '@bufbuild/protobuf/codegenv2';
import { ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { compiled, messageOf, serviceOf } from './proto-file.ts';

/** What to echo, and how to end. */
export type EchoRequest = Message<'gatehouse.demo.v1.EchoRequest'> & {
  payload: Uint8Array;
  /** When above 0, the answer has this many bytes instead of the payload. */
  answerBytes: number;
  /** When above 0, the call ends with this status. */
  statusCode: number;
  statusMessage: string;
  delayMs: number;
};
/** An echo. */
export type EchoResponse = Message<'gatehouse.demo.v1.EchoResponse'> & {
  payload: Uint8Array;
  /** Counts the messages of a stream from 0. */
  index: number;
  /** What is left of the caller's deadline, 0 when there is none. */
  timeoutMs: number;
};
/** A stream to be sent. */
export type StreamRequest = Message<'gatehouse.demo.v1.StreamRequest'> & {
  count: number;
  bytes: number;
  intervalMs: number;
  statusCode: number;
  statusMessage: string;
};
/** What arrived on a stream. */
export type SumResponse = Message<'gatehouse.demo.v1.SumResponse'> & { messages: number; bytes: number };

const STATUS = [
  { name: 'status_code', number: 3, type: 'int32' },
  { name: 'status_message', number: 4, type: 'string' },
] as const;

/** The file `gatehouse/demo/v1/stream.proto`, which exists only here. */
const STREAM_FILE = compiled({
  name: 'gatehouse/demo/v1/stream.proto',
  package: 'gatehouse.demo.v1',
  messages: {
    EchoRequest: [
      { name: 'payload', number: 1, type: 'bytes' },
      { name: 'answer_bytes', number: 2, type: 'int32' },
      ...STATUS,
      { name: 'delay_ms', number: 5, type: 'int32' },
    ],
    EchoResponse: [
      { name: 'payload', number: 1, type: 'bytes' },
      { name: 'index', number: 2, type: 'int32' },
      { name: 'timeout_ms', number: 3, type: 'int32' },
    ],
    StreamRequest: [
      { name: 'count', number: 1, type: 'int32' },
      { name: 'bytes', number: 2, type: 'int32' },
      ...STATUS,
      { name: 'interval_ms', number: 5, type: 'int32' },
    ],
    SumResponse: [
      { name: 'messages', number: 1, type: 'int32' },
      { name: 'bytes', number: 2, type: 'int32' },
    ],
  },
  service: {
    name: 'StreamService',
    methods: [
      { name: 'Unary', input: 'EchoRequest', output: 'EchoResponse' },
      { name: 'ServerStream', input: 'StreamRequest', output: 'EchoResponse', serverStreaming: true },
      { name: 'ClientStream', input: 'EchoRequest', output: 'SumResponse', clientStreaming: true },
      { name: 'Bidi', input: 'EchoRequest', output: 'EchoResponse', clientStreaming: true, serverStreaming: true },
      { name: 'TrailersOnly', input: 'EchoRequest', output: 'EchoResponse' },
    ],
  },
});

/** The messages of the stream service. */
export const EchoRequestSchema = messageOf<GenMessage<EchoRequest>>(STREAM_FILE, 'EchoRequest');
/** What answers an `EchoRequest`. */
export const EchoResponseSchema = messageOf<GenMessage<EchoResponse>>(STREAM_FILE, 'EchoResponse');
/** What asks for a stream of answers. */
export const StreamRequestSchema = messageOf<GenMessage<StreamRequest>>(STREAM_FILE, 'StreamRequest');
/** What answers a stream of them: how many came, and how large. */
export const SumResponseSchema = messageOf<GenMessage<SumResponse>>(STREAM_FILE, 'SumResponse');
type Echo = typeof EchoRequestSchema;
type Echoed = typeof EchoResponseSchema;

/** A test service with all four kinds of calls, since ZITADEL has unary ones only; in the manner of grpc.testing. */
export const StreamService =
  serviceOf<
    GenService<{
      unary: { methodKind: 'unary'; input: Echo; output: Echoed };
      serverStream: { methodKind: 'server_streaming'; input: typeof StreamRequestSchema; output: Echoed };
      clientStream: { methodKind: 'client_streaming'; input: Echo; output: typeof SumResponseSchema };
      bidi: { methodKind: 'bidi_streaming'; input: Echo; output: Echoed };
      trailersOnly: { methodKind: 'unary'; input: Echo; output: Echoed };
    }>
  >(STREAM_FILE);

/** Answered by hand with a trailers-only error, which connect-es never sends. */
export const TRAILERS_ONLY_PATH = `/${StreamService.typeName}/TrailersOnly`;

/** Request metadata with the first prefix comes back as headers, with the second as trailers; `-bin` keys too. */
const ECHO_HEADER_PREFIX = 'x-demo-initial';
const ECHO_TRAILER_PREFIX = 'x-demo-trailing';

/** The implementation of the stream service. */
export const streamService: ServiceImpl<typeof StreamService> = {
  async unary(request, context) {
    echoMetadata(context);
    if (request.delayMs > 0) await pause(request.delayMs, context);
    endWith(request.statusCode, request.statusMessage);
    return echo(request, 0, context);
  },
  async *serverStream({ count, bytes, intervalMs, statusCode, statusMessage }, context) {
    echoMetadata(context);
    const payload = Buffer.alloc(bytes, 0x61);
    for (let index = 0; index < count; index += 1) {
      if (index > 0 && intervalMs > 0) await pause(intervalMs, context);
      yield { payload, index };
    }
    endWith(statusCode, statusMessage);
  },
  async clientStream(requests, context) {
    echoMetadata(context);
    let messages = 0;
    let bytes = 0;
    for await (const request of requests) {
      messages += 1;
      bytes += request.payload.length;
      endWith(request.statusCode, request.statusMessage);
    }
    return { messages, bytes };
  },
  async *bidi(requests, context) {
    echoMetadata(context);
    let index = 0;
    for await (const request of requests) {
      if (request.delayMs > 0) await pause(request.delayMs, context);
      endWith(request.statusCode, request.statusMessage);
      yield echo(request, index, context);
      index += 1;
    }
  },
  trailersOnly(request) {
    // Over gRPC-Web and Connect, where there is no such form.
    throw new ConnectError(request.statusMessage || 'only trailers', request.statusCode || 9);
  },
};

function echo({ payload, answerBytes }: EchoRequest, index: number, context: HandlerContext) {
  const bytes = answerBytes > 0 ? Buffer.alloc(answerBytes, 0x61) : payload;
  return { payload: bytes, index, timeoutMs: Math.max(0, Math.round(context.timeoutMs() ?? 0)) };
}

function echoMetadata({ requestHeader, responseHeader, responseTrailer }: HandlerContext): void {
  for (const [name, value] of requestHeader) {
    if (name.startsWith(ECHO_HEADER_PREFIX)) responseHeader.set(name, value);
    if (name.startsWith(ECHO_TRAILER_PREFIX)) responseTrailer.set(name, value);
  }
}

function endWith(code: number, message: string): void {
  if (code > 0) throw new ConnectError(message, code);
}

/** Waits, or stops waiting when the caller has gone. */
async function pause(ms: number, { signal }: HandlerContext): Promise<void> {
  await after(ms, undefined, { signal });
}
