import { type AdminSources, type Entry, jsonAnswer, textAnswer } from '../entry.ts';

/** One value of a query, or several, as a list. */
function list(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/**
 * GET /explain?url=&method=&ip=&listener=&header=: what the running gateway would do with a request, every rule that
 * would apply and what its key has left. Nothing is counted and nothing is sent.
 */
export function explain(sources: Pick<AdminSources, 'explain'>): Entry {
  return {
    method: 'GET',
    path: '/explain',
    access: 'operators',
    async answer({ query }) {
      const [url] = list(query.url);
      if (url === undefined) return jsonAnswer(400, { problem: 'url: expected https://host/path or /path' });
      const [listener] = list(query.listener);
      try {
        const text = await sources.explain({
          url,
          method: list(query.method)[0] ?? 'GET',
          ip: list(query.ip)[0] ?? '192.0.2.1',
          headers: list(query.header),
          listener,
        });
        return textAnswer(200, text);
      } catch (error) {
        return jsonAnswer(400, { problem: error instanceof Error ? error.message : String(error) });
      }
    },
  };
}
