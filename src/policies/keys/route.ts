import type { KeyPart } from './key-part.ts';

/** The name of the route: without it routes that name the same rule share its counts. */
export const route: KeyPart = {
  name: 'route',
  summary: 'The name of the route; without it all routes with the rule count together.',
  argument: undefined,
  phase: 'head',
  chosenByClient: true,
  secret: false,
  compile:
    () =>
    ({ route: { name } }) =>
      name,
};
