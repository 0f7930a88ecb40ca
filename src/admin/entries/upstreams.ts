import { type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** GET /upstreams: the endpoints of each upstream and how they are. */
export function upstreams(sources: Pick<AdminSources, 'upstreams'>): Entry {
  return {
    method: 'GET',
    path: '/upstreams',
    access: 'operators',
    answer: async () => jsonAnswer(200, await sources.upstreams()),
  };
}
