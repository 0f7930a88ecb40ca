import { calledBy } from './called.ts';
import type { KeyPart } from './key-part.ts';

/** All RPCs that are in no definition, together. */
const UNKNOWN = '(unknown)';

/** The RPC that is called, the same over gRPC, gRPC-Web, Connect and its REST path. */
export const rpc: KeyPart = {
  name: 'rpc',
  summary: 'The RPC that is called, the same in every dialect and by its REST path.',
  argument: undefined,
  phase: 'head',
  chosenByClient: true,
  secret: false,
  compile(_argument, { rpcs }) {
    return (exchange) => {
      const call = calledBy(exchange, rpcs);
      if (call === undefined) return undefined;
      // Names that no definition has are anybody's invention: a key each would be as many keys as somebody likes.
      return call.rpc === undefined ? UNKNOWN : call.name;
    };
  },
};
