import { type AdminSources, type Entry, jsonAnswer } from '../entry.ts';

/** GET /certificates: the certificates in use, until when, and what is wrong with those in their files. */
export function certificates(sources: Pick<AdminSources, 'certificates'>): Entry {
  return {
    method: 'GET',
    path: '/certificates',
    access: 'operators',
    answer: () => jsonAnswer(200, sources.certificates()),
  };
}
