import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import { type Domain, type DomainRules, unknownInstance } from '../domain.ts';
import type { HeaderLines } from '../header-lines.ts';
import { needsToken } from './services.ts';

/** Who calls a method and for which instance. */
export interface Caller {
  readonly domain: Domain;
  /** The bearer token, or an empty string. */
  readonly token: string;
  readonly organization: string;
}

/** A token that is refused; every other one is taken. */
const INVALID_TOKEN = 'invalid';

/** The caller as its headers tell. */
export function callerOf(headers: HeaderLines, domain: Domain): Caller {
  return {
    domain,
    token: /^Bearer (.+)$/i.exec(headers.get('authorization'))?.[1] ?? '',
    organization: headers.get('x-zitadel-orgid'),
  };
}

/**
 * Lets a call pass or throws what ZITADEL answers, in the order of its interceptors: first the instance, then the token.
 * The System API and the health service belong to no instance (ZITADEL internal/api/grpc/server/server.go).
 */
export function admit(method: DescMethod, caller: Caller, rules: DomainRules): void {
  if (!/^(?:zitadel\.system\.v1|grpc\.health\.v1)\./.test(method.parent.typeName)) {
    const unknown = unknownInstance(caller.domain, rules);
    if (unknown !== undefined) throw new ConnectError(unknown, Code.NotFound);
  }
  if (!needsToken(method)) return;
  if (caller.token === '') throw new ConnectError('auth header missing', Code.Unauthenticated);
  if (caller.token === INVALID_TOKEN) throw failure(Code.Unauthenticated, 'AUTH-7fs1e', 'Errors.Token.Invalid');
}

/** An error with ZITADEL's detail: its id and message (message.proto, ErrorDetail). */
export function failure(code: Code, id: string, message: string): ConnectError {
  return new ConnectError(`${message} (${id})`, code, undefined, [{ desc: ErrorDetailSchema, value: { id, message } }]);
}
