import { hostOf } from '../../core/path.ts';
import type { KeyPart } from './key-part.ts';
import { short } from './short.ts';

/** The host that was asked for, without its port. */
export const host: KeyPart = {
  name: 'host',
  summary: 'The host that was asked for.',
  argument: undefined,
  phase: 'head',
  chosenByClient: true,
  secret: false,
  compile:
    () =>
    ({ raw }) =>
      short(hostOf(raw.authority)),
};
