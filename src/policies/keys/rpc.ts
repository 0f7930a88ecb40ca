import type { KeyPart } from './key-part.ts';
import { short } from './short.ts';

/** The RPC that is called, the same over gRPC, gRPC-Web, Connect and its REST path. */
export const rpc: KeyPart = {
  name: 'rpc',
  summary: 'The RPC that is called, the same in every dialect and by its REST path.',
  argument: undefined,
  phase: 'head',
  chosenByClient: true,
  secret: false,
  compile(_argument, { rpcs }) {
    return ({ head }) => {
      const call = rpcs.find(head.method, head.path);
      return call === undefined ? undefined : short(call.name);
    };
  },
};
