import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import {
  Code,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type ServiceImpl,
} from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { API_CORS, answerPreflight, corsHeaders, GRPC_WEB_V1_CORS, isPreflight } from '../cors.ts';
import { domainOf } from '../domain.ts';
import type { Visit } from '../visit.ts';
import { callerOf } from './call.ts';
import type { Dispatch } from './dispatch.ts';
import { answerStatus, answerTrailersOnly, answerWebStatus, GRPC_GO_TRAILER } from './frame.ts';
import { generationOf } from './services.ts';
import { TRAILERS_ONLY_PATH } from './stream-service.ts';
import { decodedText, encodedText } from './web-text.ts';

/** A service of the stand-in that is not ZITADEL's, with its implementation. */
export interface OwnService {
  readonly service: DescService;
  readonly implementation: Partial<ServiceImpl<DescService>>;
}

/** Ties an implementation to its service, type-checked against the definition. */
export function own<S extends DescService>(service: S, implementation: Partial<ServiceImpl<S>>): OwnService {
  return { service, implementation: implementation as OwnService['implementation'] };
}

/** What the services are served with. */
export interface RpcOptions {
  readonly dispatch: Dispatch;
  readonly own: readonly OwnService[];
  readonly externalSecure: boolean;
  readonly now: () => Date;
}

/** grpc-go's limit of a request message. connect-go has none. */
const GRPC_GO_MAX_MESSAGE_BYTES = 4 << 20;
/** `X-Robots-Tag: none` (ZITADEL internal/api/http/middleware/robots_tag_interceptor.go). */
export const ROBOTS = { 'x-robots-tag': 'none' };

const visitKey = createContextKey<Visit | undefined>(undefined);
const RPC_PATH = /^\/([\w.]+)\/(\w+)$/;

/** All services, over gRPC, gRPC-Web and Connect, with the differences between ZITADEL's two kinds of servers. */
export class Rpc {
  readonly #options: RpcOptions;
  readonly #handlers = new Map<string, UniversalHandler>();
  readonly #services = new Map<string, DescService>();

  constructor(options: RpcOptions) {
    this.#options = options;
    const router = createConnectRouter({ acceptCompression: [compressionGzip, compressionBrotli] });
    for (const service of options.dispatch.services) this.#register(router, service, this.#unary(service));
    for (const { service, implementation } of options.own) this.#register(router, service, implementation);
    for (const handler of router.handlers) this.#handlers.set(handler.requestPath, handler);
  }

  /** Serves what connect-go serves: whatever comes to the path of a v2 service. False when the path is another's. */
  connectGo(visit: Visit): boolean {
    const service = this.#serviceOf(visit);
    if (!service || generationOf(service) === 'v1') return false;
    if (isPreflight(visit)) answerPreflight(visit, API_CORS);
    else if (visit.path === TRAILERS_ONLY_PATH && visit.stream && visit.contentType.startsWith('application/grpc')) {
      answerTrailersOnly(visit, Code.FailedPrecondition, 'only trailers: 100% of it ✓');
    } else if (!this.#handlers.has(visit.path)) visit.error(404, '404 page not found', ROBOTS);
    else this.#serve(visit, corsHeaders(visit, API_CORS));
    return true;
  }

  /** Serves what grpc-go serves: a POST over HTTP/2 with exactly one of its content types, whatever the path. */
  grpcGo(visit: Visit): boolean {
    const type = visit.header('content-type');
    if (!visit.stream || visit.method !== 'POST' || !/^application\/grpc(?:\+proto|\+json)?$/.test(type)) return false;
    if (!this.#handlers.has(visit.path)) answerStatus(visit, Code.Unimplemented, this.#unknown(visit), ROBOTS);
    // grpc-go has no JSON codec and falls back to protobuf, which cannot read it.
    else if (type.endsWith('+json')) {
      const message = 'grpc: error unmarshalling request: proto: cannot parse invalid wire-format data';
      answerStatus(visit, Code.Internal, message, ROBOTS);
    } else this.#serve(visit, { trailer: GRPC_GO_TRAILER });
    return true;
  }

  /** Serves the gRPC-Web wrapper around grpc-go (improbable-eng/grpc-web), over any version of HTTP. */
  grpcWeb(visit: Visit): boolean {
    const asked = visit.header('access-control-request-headers').toLowerCase();
    if (isPreflight(visit) && asked.includes('x-grpc-web') && this.#handlers.has(visit.path)) {
      answerPreflight(visit, GRPC_WEB_V1_CORS);
      return true;
    }
    if (visit.method !== 'POST' || !visit.contentType.startsWith('application/grpc-web')) return false;
    const cors: Record<string, string> = { ...ROBOTS, ...corsHeaders(visit, GRPC_WEB_V1_CORS) } as never;
    if (visit.header('origin') !== '')
      cors['access-control-expose-headers'] = 'Content-Type, Grpc-Status, Grpc-Message';
    if (!this.#handlers.has(visit.path)) answerWebStatus(visit, Code.Unimplemented, this.#unknown(visit), cors);
    // The answer to JSON has no frame at all, so that no client can read a status from it.
    else if (visit.contentType.endsWith('+json')) visit.send(200, { 'content-type': visit.contentType, ...cors });
    else this.#serve(visit, cors);
    return true;
  }

  #serviceOf(visit: Visit): DescService | undefined {
    return this.#services.get(visit.path.split('/', 2)[1] ?? '');
  }

  #unknown(visit: Visit): string {
    const [, service, method] = RPC_PATH.exec(visit.path) ?? [];
    if (!service) return `malformed method name: "${visit.path}"`;
    return this.#services.has(service)
      ? `unknown method ${method} for service ${service}`
      : `unknown service ${service}`;
  }

  #register(router: ConnectRouter, service: DescService, implementation: Partial<ServiceImpl<DescService>>): void {
    const v1 = generationOf(service) === 'v1';
    this.#services.set(service.typeName, service);
    router.service(service, implementation, v1 ? { readMaxBytes: GRPC_GO_MAX_MESSAGE_BYTES } : {});
  }

  #unary(service: DescService): Partial<ServiceImpl<DescService>> {
    const { dispatch, now } = this.#options;
    const call = (method: DescMethod) => async (request: Message, context: HandlerContext) => {
      const answer = await dispatch.call(method, request, this.#caller(context));
      // ZITADEL internal/api/grpc/server/connect_middleware/cache_interceptor.go: on success only.
      context.responseHeader.set('cache-control', 'no-store');
      context.responseHeader.set('expires', now().toUTCString());
      context.responseHeader.set('pragma', 'no-cache');
      return answer;
    };
    return Object.fromEntries(service.methods.map((method) => [method.localName, call(method)])) as never;
  }

  #caller(context: HandlerContext) {
    const visit = context.values.get(visitKey)!;
    return callerOf(visit.lines, domainOf(visit.lines, visit.authority, this.#options.externalSecure));
  }

  #serve(visit: Visit, headers: Record<string, unknown>): void {
    const { reply } = visit;
    for (const [name, value] of Object.entries({ ...ROBOTS, ...headers })) reply.setHeader(name, value as string);
    this.#answer(visit).catch(() => {
      // A client that left; anything else would have become a status.
      if (!reply.headersSent && !visit.gone) visit.error(500, 'Internal Server Error');
      else if (!reply.writableEnded) visit.reset();
    });
  }

  async #answer(visit: Visit): Promise<void> {
    const values = createContextValues().set(visitKey, visit);
    const request = universalRequestFromNodeRequest(visit.request, visit.reply, undefined, values);
    const handler = this.#handlers.get(visit.path)!;
    // connect-es answers the text form with 415, which is right for connect-go only.
    const text = generationOf(handler.service) === 'v1' && visit.contentType.startsWith('application/grpc-web-text');
    if (!text) return universalResponseToNodeResponse(await handler(request), visit.reply);
    request.header.set('content-type', 'application/grpc-web+proto');
    const response = await handler({ ...request, body: decodedText(request.body as AsyncIterable<Uint8Array>) });
    response.header?.set('content-type', visit.contentType);
    const body = response.body && encodedText(response.body as AsyncIterable<Uint8Array>);
    return universalResponseToNodeResponse({ ...response, ...(body && { body }) }, visit.reply);
  }
}
