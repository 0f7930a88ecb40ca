import type { AdminSources, Entry } from '../entry.ts';

/** GET /metrics: the text format of Prometheus. */
export function metrics(sources: Pick<AdminSources, 'metrics'>): Entry {
  return {
    method: 'GET',
    path: '/metrics',
    access: 'scrapers',
    answer: async () => ({ status: 200, type: sources.metrics.contentType, body: await sources.metrics.text() }),
  };
}
