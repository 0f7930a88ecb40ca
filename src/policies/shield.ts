import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { upstreamPath } from '../core/path.ts';
import { definePolicy } from '../core/policy.ts';
import { Calls, isApiPath, MAX_NAME } from './shield/calls.ts';
import { contentTypeCheck } from './shield/content-types.ts';
import { FrameCheck, flagsOf } from './shield/frame-check.ts';
import { options } from './shield/options.ts';
import { RpcRules, refuses } from './shield/rpc-rules.ts';

/** Refuses what ZITADEL does not serve, and RPCs that are not for everybody. */
export const shield = definePolicy({
  name: 'shield',
  summary: 'Refuses RPCs by name and address, bodies of the wrong type, and broken frames.',
  options,
  hooks(given, { services, events, route }) {
    const { unknown_rpc, content_types, frames, max_message_bytes, enforce } = given;
    const calls = new Calls(services.rpcs);
    const rules = new RpcRules(given.rpcs, services.networks);
    const wrongType = contentTypeCheck(content_types);

    /** The error, where it is enforced. */
    function refuse(
      exchange: Exchange,
      error: GatewayError,
      rule: string,
      enforced: boolean,
    ): GatewayError | undefined {
      events.emit('refused', { policy: 'shield', rule, route: route.name, enforced });
      if (enforced) return error;
      exchange.record.reported.push(rule);
      return undefined;
    }

    /** Whether no definition has what the request calls; tells of RPCs. */
    function isUnknown(path: string, reached: ReturnType<Calls['of']>): boolean {
      const known = reached.some(({ rpc }) => rpc !== undefined);
      if (known || !isApiPath(path)) return false;
      const rpc = reached.find(({ by }) => by === 'rpc');
      if (rpc === undefined) return unknown_rpc === 'refuse';
      if (rpc.name.length > MAX_NAME) return true;
      events.emit('unknown_rpc', { name: rpc.name, route: route.name, refused: unknown_rpc === 'refuse' && enforce });
      return unknown_rpc === 'refuse';
    }

    function refusal(exchange: Exchange): GatewayError | undefined {
      const path = upstreamPath(exchange.head.path, route.rewrite);
      const reached = calls.of(exchange.head, path);
      for (const call of rules.empty ? [] : reached) {
        if (call.name.length > MAX_NAME) continue; // refused below
        for (const rule of rules.of(call)) {
          if (!refuses(rule, exchange.client.address, exchange.raw.connection)) continue;
          const error = new GatewayError('RPC_REFUSED', { rule: rule.name, detail: call.name });
          const refused = refuse(exchange, error, rule.name, enforce && rule.enforce);
          if (refused !== undefined) return refused;
        }
      }
      if (isUnknown(path, reached)) {
        const detail = (reached[0]?.name ?? path).slice(0, MAX_NAME);
        const error = new GatewayError('UNKNOWN_RPC', { rule: 'unknown_rpc', detail });
        const refused = refuse(exchange, error, 'unknown_rpc', enforce);
        if (refused !== undefined) return refused;
      }
      const wrong = wrongType(exchange, path);
      if (wrong === undefined) return undefined;
      const error = new GatewayError('UNSUPPORTED_CONTENT_TYPE', { rule: 'content_types', detail: wrong });
      return refuse(exchange, error, 'content_types', enforce);
    }

    /** The largest message, in bytes: what is larger than the body may be will never pass either. */
    function largest(bodyLimit: number): number {
      return max_message_bytes ?? (bodyLimit === 0 ? Number.POSITIVE_INFINITY : bodyLimit);
    }

    /** Looks at the frames of the body from now on, after whoever looks already. */
    function watch(exchange: Exchange): void {
      const flags = flagsOf(exchange.head.contentType);
      if (flags === undefined || exchange.raw.stream.ended) return;
      let check: FrameCheck | undefined;
      let over = false;
      const before = exchange.inspectBody;
      exchange.inspectBody = (chunk, ended) => {
        before?.(chunk, ended);
        if (over || exchange.aborted !== undefined) return;
        // Only now the policies behind this one have said how large a body may be.
        check ??= new FrameCheck(flags, largest(exchange.bodyLimit));
        const wrong = check.push(chunk) ?? (ended ? check.end() : undefined);
        if (wrong === undefined) return;
        over = true;
        const code = check.tooLarge && max_message_bytes === undefined ? 'BODY_TOO_LARGE' : 'BAD_MESSAGE';
        const error = new GatewayError(code, { rule: 'frames', detail: wrong });
        if (refuse(exchange, error, 'frames', enforce) !== undefined) exchange.abort(error);
      };
    }

    return {
      onRequest: function shield({ exchange }, _reply, done) {
        // A preflight calls nothing and has no body; ZITADEL answers it.
        if (exchange.head.method === 'OPTIONS') {
          done();
          return;
        }
        const error = refusal(exchange);
        if (error === undefined && frames) watch(exchange);
        done(error);
      },
    };
  },
  explain(given, { services, route }) {
    const calls = new Calls(services.rpcs);
    const rules = new RpcRules(given.rpcs, services.networks);
    return ({ head, client, raw }) => {
      const reached = calls.of(head, upstreamPath(head.path, route.rewrite));
      return reached.flatMap((call) => [
        call.rpc === undefined ? `${call.name} is in no definition: ${given.unknown_rpc}` : `calls ${call.name}`,
        ...rules.of(call).map((rule) => {
          const verdict = refuses(rule, client.address, raw.connection) ? 'refuses' : 'allows';
          return `${rule.name} ${verdict} ${client.address}${rule.enforce && given.enforce ? '' : ' (only reports)'}`;
        }),
      ]);
    };
  },
});
