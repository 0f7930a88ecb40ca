import type { DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Caller } from '../rpc/call.ts';
import type { State } from '../state.ts';

type Answer<M extends DescMethod> = MessageInitShape<M['output']>;

/** What some methods of a service do; the others answer UNIMPLEMENTED. */
export type Behaviour<S extends DescService> = {
  readonly [K in keyof S['method']]?: (
    request: MessageShape<S['method'][K]['input']>,
    caller: Caller,
    state: State,
  ) => Answer<S['method'][K]> | Promise<Answer<S['method'][K]>>;
};

/** One method without its types, as the table of all of them has it. */
export type Method = (request: never, caller: Caller, state: State) => object | Promise<object>;

/** The behaviour of one service, ready for the table. */
export interface Behaving {
  readonly service: DescService;
  readonly methods: Readonly<Record<string, Method>>;
}

/** Ties a behaviour to its service, type-checked against the definition. */
export function behaving<S extends DescService>(service: S, methods: Behaviour<S>): Behaving {
  return { service, methods: methods as Readonly<Record<string, Method>> };
}
