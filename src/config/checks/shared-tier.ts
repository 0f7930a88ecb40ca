import type { Check } from './check.ts';

const HERE = /^(?:unix:|rediss?:\/\/(?:localhost|127\.[0-9.]+|\[::1\])(?:[:/]|$))/;

/** What is set for shared limits goes together, and sends no password in the clear. */
export const sharedTier: Check = ({ config }, found) => {
  const shared = config.limiter?.shared;
  if (shared === undefined) return;
  const at = ['limiter', 'shared'];
  if (!URL.canParse(shared.url)) found.problem([...at, 'url'], 'expected a host and a port up to 65535');
  if (shared.mode === 'delta' && shared.on_error !== 'local') {
    found.problem([...at, 'on_error'], 'with mode delta each replica decides by itself: expected local');
  }
  if (shared.ca_file !== undefined && !shared.url.startsWith('rediss:')) {
    found.problem([...at, 'ca_file'], 'is for TLS: expected a url that begins with rediss://');
  }
  if (shared.username !== undefined && shared.password === undefined) {
    found.problem([...at, 'username'], 'expected a password beside it');
  }
  if (shared.password !== undefined && shared.url.startsWith('redis:') && !HERE.test(shared.url)) {
    found.warn(
      [...at, 'url'],
      'sends the password and all counts in the clear: use rediss:// unless nobody can listen',
    );
  }
};
