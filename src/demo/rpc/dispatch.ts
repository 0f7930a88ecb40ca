import { create, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Method } from '../behaviours/behaviour.ts';
import { BEHAVIOURS } from '../behaviours/index.ts';
import type { DomainRules } from '../domain.ts';
import type { State } from '../state.ts';
import { admit, type Caller } from './call.ts';

/** The implementations of all unary methods: what gRPC, gRPC-Web, Connect and REST end in. */
export class Dispatch {
  readonly services: readonly DescService[];
  readonly #rules: DomainRules;
  readonly #state: State;
  readonly #methods = new Map<DescMethod, Method>();

  constructor(services: readonly DescService[], rules: DomainRules, state: State) {
    this.services = services;
    this.#rules = rules;
    this.#state = state;
    for (const { service, methods } of BEHAVIOURS) {
      for (const method of service.methods) {
        const implementation = methods[method.localName];
        if (implementation) this.#methods.set(method, implementation);
      }
    }
  }

  /** Calls a method; throws a ConnectError where ZITADEL answers with a status. */
  async call(method: DescMethod, request: Message, caller: Caller): Promise<Message> {
    admit(method, caller, this.#rules);
    const implementation = this.#methods.get(method);
    if (!implementation) {
      throw new ConnectError(`method ${method.name} not implemented`, Code.Unimplemented);
    }
    const answer = await implementation(request as never, caller, this.#state);
    return create(method.output, answer as never);
  }
}
