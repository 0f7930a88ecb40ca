import type { OutgoingHttpHeaders } from 'node:http';
import { create, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import { API_CORS, answerPreflight, corsHeaders, isPreflight } from '../cors.ts';
import { domainOf } from '../domain.ts';
import { HeaderLines } from '../header-lines.ts';
import { callerOf } from '../rpc/call.ts';
import type { Dispatch } from '../rpc/dispatch.ts';
import { ROBOTS } from '../rpc/rpc.ts';
import { successStatus } from '../rpc/services.ts';
import type { Visit } from '../visit.ts';
import { requestMessage } from './message.ts';
import { type Match, RestTable } from './table.ts';

/** The HTTP status of a code (grpc-gateway runtime/errors.go). */
const STATUS_OF_CODE: Readonly<Record<number, number>> = {
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

/** What the REST layer is made of. */
export interface RestOptions {
  readonly dispatch: Dispatch;
  readonly externalSecure: boolean;
  /** Whether errors hang where the request has TE (zitadel/zitadel#8341). */
  readonly hangOnTe: boolean;
}

/** The REST twins of all RPCs: grpc-gateway, with the settings of ZITADEL internal/api/grpc/server/gateway.go. */
export class Rest {
  readonly #options: RestOptions;
  readonly #table: RestTable;

  constructor(options: RestOptions) {
    this.#options = options;
    this.#table = new RestTable(options.dispatch.services);
  }

  /** Whether a path is under one of the v1 services. */
  isV1(path: string): boolean {
    return this.#table.split(path).prefix !== '';
  }

  /** Answers whatever comes; what is no REST path gets the 404. */
  async answer(visit: Visit): Promise<void> {
    if (isPreflight(visit)) return answerPreflight(visit, API_CORS);
    try {
      await this.#call(visit);
    } catch (reason) {
      // A body that was cut off has nobody to answer to.
      if (visit.gone) return;
      if (reason === METHOD_NOT_ALLOWED) this.#refuse(visit, METHOD_NOT_ALLOWED, 405);
      else this.#refuse(visit, ConnectError.from(reason, Code.Internal));
    }
  }

  async #call(visit: Visit): Promise<void> {
    const { prefix, rest } = this.#table.split(visit.path);
    if (prefix === '' && rest === '/healthz' && visit.method === 'GET') {
      return visit.json(200, { status: 'SERVING' }, this.#headers(visit));
    }
    const found = this.#table.find(prefix, rest);
    const query = new URLSearchParams(visit.query);
    const match = await this.#pick(visit, found, query);
    const body = match.binding.body === '' ? '' : (await visit.body()).toString();
    const { method } = match.binding;
    const message = requestMessage(match, query, body);
    const metadata = restMetadata(visit);
    const domain = domainOf(metadata, visit.authority, this.#options.externalSecure);
    const answer = await this.#options.dispatch.call(method, message, callerOf(metadata, domain));
    visit.json(successStatus(method), toJson(method.output, answer), {
      ...this.#headers(visit),
      // Metadata of the inner call, renamed by runtime.DefaultHeaderMatcher.
      'grpcgateway-cache-control': 'no-store',
      'grpcgateway-content-type': 'application/grpc',
      'grpcgateway-pragma': 'no-cache',
    });
  }

  /** A form post may say another method, and becomes a GET where there is no POST (grpc-gateway runtime/mux.go). */
  async #pick(visit: Visit, found: Map<string, Match>, query: URLSearchParams): Promise<Match> {
    const isForm = visit.method === 'POST' && visit.contentType === 'application/x-www-form-urlencoded';
    let method = visit.method;
    if (isForm) {
      const override = visit.header('x-http-method-override').toUpperCase();
      if (override !== '') method = override;
      else if (!found.has('POST') && found.has('GET')) method = 'GET';
      if (method !== 'POST') for (const [name, value] of await visit.form()) query.append(name, value);
    }
    const match = found.get(method);
    if (match) return match;
    if (found.size === 0) throw new ConnectError('Not Found', Code.NotFound);
    throw METHOD_NOT_ALLOWED;
  }

  #refuse(visit: Visit, error: ConnectError, status = STATUS_OF_CODE[error.code] ?? 500): void {
    const details = error.findDetails(ErrorDetailSchema).map((detail) => {
      const json = toJson(ErrorDetailSchema, create(ErrorDetailSchema, detail)) as object;
      return { '@type': `type.googleapis.com/${ErrorDetailSchema.typeName}`, ...json };
    });
    const headers = this.#headers(visit);
    if (error.code === Code.Unauthenticated) headers['www-authenticate'] = error.rawMessage;
    const body = { code: error.code, message: error.rawMessage, details };
    if (this.#options.hangOnTe && visit.header('te').toLowerCase().includes('trailers')) {
      // The REST layer announces trailers and never sends the end: only errors hang, zitadel/zitadel#8341.
      visit.reply.writeHead(status, { 'content-type': 'application/json', ...headers });
      visit.reply.write(JSON.stringify(body));
      visit.request.resume();
    } else visit.json(status, body, headers);
  }

  #headers(visit: Visit): OutgoingHttpHeaders {
    return { ...ROBOTS, ...corsHeaders(visit, API_CORS) };
  }
}

/** The path is known, the method is not: the one status that does not follow from the code. */
const METHOD_NOT_ALLOWED = new ConnectError('Method Not Allowed', Code.Unimplemented);

/**
 * The metadata of the call that the REST layer makes to its own port: it names the host by X-Forwarded-Host, keeps
 * `x-zitadel-*` and what comes as `Grpc-Metadata-*`, and appends the peer to X-Forwarded-For. So a client can reach
 * the instance lookup by Grpc-Metadata-X-Zitadel-Instance-Host.
 */
function restMetadata(visit: Visit): HeaderLines {
  const metadata = new HeaderLines();
  for (const [name, value] of visit.lines) {
    if (name.startsWith('grpc-metadata-')) metadata.add(name.slice('grpc-metadata-'.length), value);
    else if (name.startsWith('x-zitadel-') || name === 'authorization') metadata.add(name, value);
  }
  metadata.set('x-forwarded-host', visit.lines.get('x-forwarded-host') || visit.authority);
  const peer = visit.request.socket.remoteAddress ?? '';
  const hops = visit.lines.values('x-forwarded-for').join(', ');
  if (metadata.get('x-forwarded-for') === '') metadata.set('x-forwarded-for', hops === '' ? peer : `${hops}, ${peer}`);
  return metadata;
}
