import { nearest } from '../nearest.ts';
import type { Path } from '../problem.ts';
import type { Check, Findings } from './check.ts';

/** Says that a name stands for nothing, with the names there are. */
function unknown(found: Findings, path: Path, what: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const suggestion = nearest(name, known);
  const there = known.length === 0 ? 'there is none' : `there is ${known.join(', ')}`;
  const meant = suggestion === undefined ? `; ${there}` : `, did you mean ${suggestion}?`;
  found.problem(path, `no ${what} is called ${name}${meant}`, suggestion === undefined ? {} : { suggestion });
}

/** Says which entries of a list have a name that an earlier one has. */
function twice(found: Findings, key: string, entries: readonly (readonly [number, { name: string }])[]): void {
  const first = new Map<string, number>();
  for (const [index, { name }] of entries) {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    else found.problem([key, index, 'name'], `the name ${name} is taken by ${key}[${earlier}]`);
  }
}

/** Names are unique, and every name that is used is there. */
export const names: Check = ({ config: { preset }, names: known, listeners, ownRoutes }, found) => {
  twice(found, 'listeners', listeners);
  twice(found, 'routes', ownRoutes);
  if (preset !== undefined && preset.name !== 'none') {
    const { upstream, login_upstream: login } = preset;
    unknown(found, ['preset', 'upstream'], 'upstream', upstream, known.upstreams);
    if (login !== undefined) unknown(found, ['preset', 'login_upstream'], 'upstream', login, known.upstreams);
  }
  preset?.open_on.forEach((name, index) => {
    unknown(found, ['preset', 'open_on', index], 'listener', name, known.listeners);
  });
  for (const [index, { upstream, listeners: on = [] }] of ownRoutes) {
    if (upstream !== undefined) unknown(found, ['routes', index, 'upstream'], 'upstream', upstream, known.upstreams);
    on.forEach((name, place) => {
      unknown(found, ['routes', index, 'listeners', place], 'listener', name, known.listeners);
    });
  }
};
