import { isLoopback, parseListenAddress } from '../address.ts';
import type { Check } from './check.ts';

/** Internal paths are opened where they are meant to be. */
export const preset: Check = ({ config: { preset: given }, listeners }, found) => {
  if (given === undefined) return;
  const served = listeners
    .map(([, one]) => one)
    .filter(({ name }) => given.open_on.length === 0 || given.open_on.includes(name));
  const open = served.find(({ trust, redirect, address }) => {
    return trust === 'public' && redirect === undefined && !isLoopback(parseListenAddress(address)!.host);
  });
  given.open.forEach((group, index) => {
    if (group === 'health' || open === undefined) return;
    found.warn(
      ['preset', 'open', index],
      `opens internal paths on the public listener ${open.name}; open_on can name another`,
    );
  });
  if (given.open_on.length > 0 && given.open.length === 0)
    found.warn(['preset', 'open_on'], 'there is nothing in open');
};
