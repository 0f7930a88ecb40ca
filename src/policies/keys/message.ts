import type { GatewayError } from '../../core/errors.ts';
import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import type { PolicyServices } from '../../core/policy.ts';
import { hasFirstFrame } from '../../rpc/message-bytes.ts';
import { type FieldOf, fieldOf, messageField } from '../../rpc/message-field.ts';
import { MALFORMED } from '../../rpc/protobuf-field.ts';
import { calledBy } from './called.ts';
import { type KeyPart, UNREADABLE } from './key-part.ts';
import { short } from './short.ts';

/** A compressed message may become so large, in bytes; a larger one is not read. */
const MOST_BYTES = 65_536;

type MessageReader = (exchange: Exchange, body: PeekedBody) => string | undefined | typeof UNREADABLE;

/**
 * Makes the reader of a field of RPC messages. Throws where no RPC has the field, unless `perhaps` says that it need not
 * be there.
 */
export function messageReader(path: string, { rpcs }: PolicyServices, perhaps = false): MessageReader {
  const fields = new Map<string, FieldOf>();
  for (const rpc of rpcs?.rpcs ?? []) {
    const field = fieldOf(rpc, path);
    if (field !== undefined) fields.set(rpc.name, field);
  }
  if (fields.size === 0 && !perhaps) throw new Error(`no RPC has a text or number '${path}' in its request`);
  return (exchange, body) => {
    const { head, raw } = exchange;
    const call = calledBy(exchange, rpcs);
    const field = call === undefined ? undefined : fields.get(call.name);
    if (call === undefined || field === undefined) return undefined;
    const compression = head.headers['grpc-encoding'] ?? head.headers['content-encoding'];
    const written = {
      contentType: head.contentType,
      compression: typeof compression === 'string' ? compression : undefined,
      bytes: body.bytes,
      complete: body.complete,
      maxBytes: MOST_BYTES,
    };
    // A second `?` is part of the query.
    const mark = raw.target.indexOf('?');
    const value = messageField(call, field, written, mark === -1 ? undefined : raw.target.slice(mark + 1));
    return value === MALFORMED ? UNREADABLE : value === '' ? undefined : value;
  };
}

/** A field of the message of an RPC, the same over gRPC, gRPC-Web, Connect and REST. */
export const message: KeyPart = {
  name: 'message',
  summary: 'A field of the message of an RPC, in any dialect and by REST: `message:user_id`.',
  argument: 'a field path',
  phase: 'body',
  chosenByClient: true,
  secret: false,
  compile(argument, services) {
    const read = messageReader(argument, services);
    return (exchange, body) => {
      const value = body === undefined ? undefined : read(exchange, body);
      return value === undefined || value === UNREADABLE ? value : short(value);
    };
  },
};

/** Bodies that hold fields which keys are made of: forms, and the arguments of server actions. */
const HAS_FIELDS = /^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i;

/**
 * Whether the body of a request is worth waiting for, and may be: not that of a stream of messages, whose first one may
 * come late. All RPCs of ZITADEL have one message; reflection and health are not of them. Their REST paths take JSON
 * whatever the content type says. Of other requests only forms and server actions have something that is read.
 */
export function mayPeek(exchange: Exchange, { rpcs }: PolicyServices): boolean {
  const { head, dialect } = exchange;
  if (dialect.name === 'http' && (HAS_FIELDS.test(head.contentType) || head.headers['next-action'] !== undefined))
    return true;
  const call = calledBy(exchange, rpcs);
  if (call?.rpc === undefined) return false;
  // Only where it is an RPC: a REST path takes this type for JSON like any other.
  return call.by === 'rest' || !/^\s*application\/connect\+/i.test(head.contentType);
}

/**
 * Looks at so much of a body as keys are read from: its first message, where messages have frames. Calls back without a
 * body where it holds no key, and with an error where the client has left or sends nothing.
 */
export function peekForKeys(
  exchange: Exchange,
  maxBytes: number,
  services: PolicyServices,
  done: (error: GatewayError | undefined, body: PeekedBody | undefined) => void,
): void {
  if (mayPeek(exchange, services))
    exchange.peek(maxBytes, done, (bytes) => hasFirstFrame(exchange.head.contentType, bytes));
  else done(undefined, undefined);
}
