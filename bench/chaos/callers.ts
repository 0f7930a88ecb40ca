/** The calls of a mixed load: each kind by a client that real callers have. */

import { createHmac } from 'node:crypto';
import https from 'node:https';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Client as ConnectClient, createClient } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import {
  GetUserByIDRequestSchema,
  GetUserByIDResponseSchema,
  UserService,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import {
  EchoRequestSchema,
  EchoResponseSchema,
  StreamRequestSchema,
  StreamService,
} from '../../src/demo/rpc/stream-service.ts';
import { USERS } from '../../src/demo/state.ts';
import { H1Caller } from './h1-caller.ts';
import { H2Caller, type Reply } from './h2-caller.ts';
import { ID_FIELD } from './orders.ts';

/** Which calls there are, and how many of a hundred each is. */
export const KINDS = {
  /** GET by REST, HTTP/2 over TLS. */
  rest: { safe: true, share: 25 },
  /** POST by REST, HTTP/2 over TLS: for all that the gateway knows it does something. */
  'rest-post': { safe: false, share: 15 },
  /** Console, discovery and keys, HTTP/1.1 over TLS. */
  console: { safe: true, share: 20 },
  /** A unary call that the config lists as one that may come twice. */
  grpc: { safe: true, share: 15 },
  /** A unary call that may not. */
  'grpc-write': { safe: false, share: 10 },
  /** Ten messages from the server, 50 ms apart. */
  'grpc-stream': { safe: false, share: 5 },
  /** The same call as `grpc`, as browsers make it, over HTTP/1.1 and TLS. */
  'grpc-web': { safe: true, share: 10 },
} as const;

/** A kind of calls. */
export type Kind = keyof typeof KINDS;

/** Where the gateway is. */
export interface Target {
  readonly publicPort: number;
  readonly clearPort: number;
  /** PEM that `publicPort` is verified with. */
  readonly ca: string;
  /** How long a call may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Public files, which the gateway stores. */
export const PAGES = ['/ui/console/', '/oauth/v2/keys', '/.well-known/openid-configuration'] as const;

const USER = USERS[0]!.id;
const STREAM = `/${StreamService.typeName}`;

/** The clients of one run. */
export class Callers implements Disposable {
  readonly #timeoutMs: number;
  readonly #h2: H2Caller;
  readonly #h1: H1Caller;
  readonly #rpc: grpc.Client;
  readonly #web: ConnectClient<typeof UserService>;
  readonly #webAgent: https.Agent;
  #calls = 0;

  constructor({ publicPort, clearPort, ca, timeoutMs }: Target, onResend: () => void) {
    this.#timeoutMs = timeoutMs;
    const url = `https://localhost:${publicPort}`;
    this.#h2 = new H2Caller(url, { ca }, onResend);
    this.#h1 = new H1Caller(url, { ca }, onResend);
    this.#rpc = new grpc.Client(`127.0.0.1:${clearPort}`, grpc.credentials.createInsecure());
    this.#webAgent = new https.Agent({ ca, keepAlive: true });
    const transport = createGrpcWebTransport({
      baseUrl: url,
      httpVersion: '1.1',
      nodeOptions: { agent: this.#webAgent },
    });
    this.#web = createClient(UserService, transport);
  }

  /** Makes one call. Rejects with why it failed, also where the answer is not the one that it should be. */
  async call(kind: Kind, id: string): Promise<void> {
    this.#calls += 1;
    // A load balancer in front says who calls, and each has a token: of many clients each stays below its limits.
    const client = clientOf(this.#calls);
    const fields = { 'x-forwarded-for': client, authorization: `Bearer ${client}` };
    switch (kind) {
      case 'rest':
        return expectOk(await this.#send('GET', `/v2/users/${USER}`, fields), '"userId"');
      case 'rest-post': {
        const reply = await this.#send('POST', '/v2/sessions/search', { ...fields, [ID_FIELD]: id }, '{}');
        return expectOk(reply, '"details"');
      }
      case 'console':
        return expectOk(await this.#h1.get(PAGES[this.#calls % PAGES.length]!, fields, this.#timeoutMs), '');
      case 'grpc':
        return this.#unary(fields);
      case 'grpc-write':
        return this.#write({ ...fields, [ID_FIELD]: id });
      case 'grpc-stream':
        return this.#stream({ ...fields, [ID_FIELD]: id });
      case 'grpc-web': {
        const { user } = await this.#web.getUserByID({ userId: USER }, { headers: fields, timeoutMs: this.#timeoutMs });
        if (user?.userId !== USER) throw new Error('another user than asked for');
      }
    }
  }

  #send(method: string, path: string, fields: Readonly<Record<string, string>>, body?: string): Promise<Reply> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { ':method': method, ':path': path, ...type, ...fields };
    return this.#h2.call({ headers, ...(body !== undefined && { body }), timeoutMs: this.#timeoutMs });
  }

  #unary(fields: Readonly<Record<string, string>>): Promise<void> {
    const request = create(GetUserByIDRequestSchema, { userId: USER });
    return this.#ask(
      `/${UserService.typeName}/GetUserByID`,
      Buffer.from(toBinary(GetUserByIDRequestSchema, request)),
      fields,
      (bytes) => fromBinary(GetUserByIDResponseSchema, bytes).user?.userId === USER,
    );
  }

  #write(fields: Readonly<Record<string, string>>): Promise<void> {
    const request = create(EchoRequestSchema, { payload: Buffer.from('once') });
    return this.#ask(
      `${STREAM}/Unary`,
      Buffer.from(toBinary(EchoRequestSchema, request)),
      fields,
      (bytes) => Buffer.from(fromBinary(EchoResponseSchema, bytes).payload).toString() === 'once',
    );
  }

  #ask(
    path: string,
    request: Buffer,
    fields: Readonly<Record<string, string>>,
    isRight: (bytes: Buffer) => boolean,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const options = { deadline: Date.now() + this.#timeoutMs };
    this.#rpc.makeUnaryRequest(path, same, same, request, metadataOf(fields), options, (error, answer) => {
      if (error) reject(new Error(told(error)));
      else if (answer === undefined || !isRight(answer)) reject(new Error('another answer than expected'));
      else resolve();
    });
    return promise;
  }

  #stream(fields: Readonly<Record<string, string>>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const request = create(StreamRequestSchema, { count: 10, bytes: 100, intervalMs: 50 });
    const call = this.#rpc.makeServerStreamRequest(
      `${STREAM}/ServerStream`,
      same,
      same,
      Buffer.from(toBinary(StreamRequestSchema, request)),
      metadataOf(fields),
      { deadline: Date.now() + this.#timeoutMs },
    );
    let messages = 0;
    call.on('data', () => {
      messages += 1;
    });
    call.on('error', (error: grpc.ServiceError) => reject(new Error(`${told(error)} after ${messages} messages`)));
    call.on('end', () => (messages === 10 ? resolve() : reject(new Error(`${messages} messages of 10`))));
    return promise;
  }

  [Symbol.dispose](): void {
    this.#h2[Symbol.dispose]();
    this.#h1[Symbol.dispose]();
    this.#rpc.close();
    this.#webAgent.destroy();
  }
}

const same = (bytes: Buffer): Buffer => bytes;

const told = ({ code, details }: grpc.ServiceError): string => `grpc-status ${code}, ${details}`;

function metadataOf(fields: Readonly<Record<string, string>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  return metadata;
}

function expectOk({ status, body }: Reply, part: string): void {
  if (status === 200 && body.includes(part)) return;
  throw new Error(`status ${status}: ${body.slice(0, 120).replaceAll(/\s+/g, ' ')}`);
}

/** An address of 2 to the power of 16, spread so that neighbours are in other networks. */
function clientOf(call: number): string {
  const [a, b, c] = createHmac('sha256', 'clients').update(String(call)).digest();
  return `10.${a}.${b}.${c}`;
}
