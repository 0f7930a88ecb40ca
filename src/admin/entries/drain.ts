import { type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** POST /drain: readiness off, while everything is served on; DELETE /drain: on again. For load balancers, before the end. */
export function drain(sources: Pick<AdminSources, 'drain'>): Entry[] {
  const turn = sources.drain;
  if (turn === undefined) return [];
  const entry = (method: 'POST' | 'DELETE', draining: boolean): Entry => ({
    method,
    path: '/drain',
    access: 'operators',
    answer() {
      turn(draining);
      return jsonAnswer(200, { draining });
    },
  });
  return [entry('POST', true), entry('DELETE', false)];
}
