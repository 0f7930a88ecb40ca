import { type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** GET /config: the effective config with its secrets taken out. */
export function config(sources: Pick<AdminSources, 'config'>): Entry {
  return { method: 'GET', path: '/config', access: 'operators', answer: () => jsonAnswer(200, sources.config()) };
}
