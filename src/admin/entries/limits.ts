import { type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** The most keys that are listed at once. */
const MOST = 1000;

/** GET /limits: how full the tables of the limiter are, the shared tier, and the hottest keys (`?n=`, 50 by default). */
export function limits(sources: Pick<AdminSources, 'limits' | 'hottestKeys'>): Entry {
  return {
    method: 'GET',
    path: '/limits',
    access: 'operators',
    async answer({ query }) {
      const asked = query.n ?? '50';
      if (typeof asked !== 'string' || !/^\d{1,4}$/.test(asked) || Number(asked) > MOST) {
        return jsonAnswer(400, { problem: `n: expected a number from 0 to ${MOST}` });
      }
      return jsonAnswer(200, {
        ...(sources.limits() as object),
        hottest_keys: await sources.hottestKeys(Number(asked)),
      });
    },
  };
}
