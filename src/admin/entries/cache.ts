import {
  type AdminAnswer,
  type AdminSources,
  type CachePurge,
  type CacheQuestion,
  type Entry,
  jsonAnswer,
} from '../entry.ts';

/** The most stored answers that are listed at once. */
const MOST = 1000;

const FORMS = '{"url": …}, {"host": …}, {"host": …, "prefix": …} or {"all": true}';

/**
 * GET /cache: how full it is, hit ratios, fills, the disk. GET /cache/entries: what is stored, by `host`, `prefix`,
 * `limit` (100 by default) and `after`. POST /cache/purge: throws away, and says how many answers.
 */
export function cache({ cache: source }: Pick<AdminSources, 'cache'>): Entry[] {
  if (source === undefined) return [];
  return [
    { method: 'GET', path: '/cache', access: 'operators', answer: async () => jsonAnswer(200, await source.summary()) },
    {
      method: 'GET',
      path: '/cache/entries',
      access: 'operators',
      answer: ({ query }) => refusing(async () => jsonAnswer(200, await source.entries(questionOf(query)))),
    },
    {
      method: 'POST',
      path: '/cache/purge',
      access: 'operators',
      answer: ({ body }) =>
        refusing(async () => {
          const { purged, disk } = await source.purge(orderOf(body));
          if (disk !== false) return jsonAnswer(200, { purged });
          const problem = 'the disk failed: after a restart some of it may be back; see /cache';
          return jsonAnswer(200, { purged, problem });
        }),
    },
  ];
}

/** What is wrong with a question or an order is told; what is wrong with the source is a defect. */
async function refusing(answer: () => Promise<AdminAnswer>): Promise<AdminAnswer> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof RangeError) return jsonAnswer(400, { problem: error.message });
    throw error;
  }
}

function questionOf(query: Readonly<Record<string, string | string[] | undefined>>): CacheQuestion {
  const known = ['host', 'prefix', 'limit', 'after'];
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name)) throw new RangeError(`${name}: expected ${known.join(', ')} only`);
    if (typeof value !== 'string') throw new RangeError(`${name}: expected once`);
  }
  const { host, prefix, limit = '100', after } = query as Readonly<Record<string, string | undefined>>;
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST) {
    throw new RangeError(`limit: expected a number from 1 to ${MOST}`);
  }
  return {
    limit: Number(limit),
    ...(host !== undefined && { host }),
    ...(prefix !== undefined && { prefix }),
    ...(after !== undefined && { after }),
  };
}

/** A purge goes to as much as it says: one with a key that is not known is none, or a typing error would purge the host. */
function orderOf(body: string): CachePurge {
  let order: unknown;
  try {
    order = JSON.parse(body);
  } catch {
    throw new RangeError(`body: expected JSON, ${FORMS}`);
  }
  if (typeof order !== 'object' || order === null || Array.isArray(order)) {
    throw new RangeError(`body: expected ${FORMS}`);
  }
  const keys = Object.keys(order).sort().join(' ');
  if (!['url', 'host', 'host prefix', 'all'].includes(keys)) throw new RangeError(`body: expected ${FORMS}`);
  for (const [key, value] of Object.entries(order)) {
    if (key === 'all' ? value !== true : typeof value !== 'string') {
      throw new RangeError(`${key}: expected ${key === 'all' ? 'true' : 'a string'}`);
    }
  }
  return order as CachePurge;
}
