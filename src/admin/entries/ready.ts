import { type AdminSources, type Entry, jsonAnswer, textAnswer } from '../entry.ts';

/** GET /ready: whether traffic may come, 200 or 503; `?verbose` tells operators why. */
export function ready(sources: Pick<AdminSources, 'ready'>): Entry {
  return {
    method: 'GET',
    path: '/ready',
    access: 'everyone',
    async answer({ query, byOperator }) {
      const { ok, details } = sources.ready();
      const status = ok ? 200 : 503;
      if (query.verbose !== undefined && (await byOperator())) return jsonAnswer(status, { ok, details });
      return textAnswer(status, ok ? 'ok' : 'not ready');
    },
  };
}
