import { type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** GET /status: readiness, threads, upstreams, overload and ACME in one answer. */
export function status(sources: Pick<AdminSources, 'status'>): Entry {
  return {
    method: 'GET',
    path: '/status',
    access: 'operators',
    answer: async () => jsonAnswer(200, await sources.status()),
  };
}
