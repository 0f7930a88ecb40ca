import type { Message } from '@bufbuild/protobuf';
import type { GenMessage, GenService } from '@bufbuild/protobuf/codegenv2';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { compiled, messageOf, serviceOf } from './proto-file.ts';

/** A request of the health service. */
export type HealthCheckRequest = Message<'grpc.health.v1.HealthCheckRequest'> & { service: string };
/** An answer of the health service. */
export type HealthCheckResponse = Message<'grpc.health.v1.HealthCheckResponse'> & { status: ServingStatus };
/** Whether a service serves. */
export type ServingStatus = 0 | 1 | 2 | 3;
/** The values of ServingStatus. */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

const file = compiled({
  name: 'grpc/health/v1/health.proto',
  package: 'grpc.health.v1',
  messages: {
    HealthCheckRequest: [{ name: 'service', number: 1, type: 'string' }],
    HealthCheckResponse: [{ name: 'status', number: 1, type: 'enum ServingStatus' }],
  },
  // A nested enum in the public file; on the wire, and to grpcurl's clients, it is the same.
  enums: { ServingStatus: ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] },
  service: {
    name: 'Health',
    methods: [
      { name: 'Check', input: 'HealthCheckRequest', output: 'HealthCheckResponse' },
      { name: 'Watch', input: 'HealthCheckRequest', output: 'HealthCheckResponse', serverStreaming: true },
    ],
  },
});

const HealthCheckRequestSchema = messageOf<GenMessage<HealthCheckRequest>>(file, 'HealthCheckRequest');
const HealthCheckResponseSchema = messageOf<GenMessage<HealthCheckResponse>>(file, 'HealthCheckResponse');

/** The gRPC health service (grpc/grpc, doc/health-checking.md). */
export const HealthService =
  serviceOf<
    GenService<{
      check: { methodKind: 'unary'; input: typeof HealthCheckRequestSchema; output: typeof HealthCheckResponseSchema };
      watch: {
        methodKind: 'server_streaming';
        input: typeof HealthCheckRequestSchema;
        output: typeof HealthCheckResponseSchema;
      };
    }>
  >(file);

/** The health of the services, and those who watch it. */
export class Health {
  readonly #services: ReadonlySet<string>;
  readonly #watchers = new Set<() => void>();
  #serving = true;

  /** ZITADEL reports by the full names of its services, and the server as a whole by the empty name. */
  constructor(services: Iterable<string>) {
    this.#services = new Set(['', ...services]);
  }

  /** Changes the status of all services and tells those who watch. */
  set serving(serving: boolean) {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const wake of this.#watchers) wake();
  }

  implementation(): ServiceImpl<typeof HealthService> {
    return {
      check: ({ service }) => {
        if (!this.#services.has(service)) throw new ConnectError('unknown service', Code.NotFound);
        return { status: this.#status(service) };
      },
      watch: ({ service }, { signal }) => this.#watch(service, signal),
    };
  }

  #status(service: string): ServingStatus {
    if (!this.#services.has(service)) return SERVICE_UNKNOWN;
    return this.#serving ? SERVING : NOT_SERVING;
  }

  /** Tells the status at once and on every change, for as long as the client stays. */
  async *#watch(service: string, signal: AbortSignal): AsyncGenerator<{ status: ServingStatus }> {
    while (!signal.aborted) {
      yield { status: this.#status(service) };
      await this.#change(signal);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#watchers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }
}
