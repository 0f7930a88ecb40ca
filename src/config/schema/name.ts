import { z } from 'zod';

/** A name that turns up in logs, metrics and other keys: a letter or digit, then letters, digits, `_`, `-` and `.`, at most 64. */
export const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, {
  error: 'expected a name of letters, digits, _, - and ., at most 64 long, that begins with a letter or digit',
});

/** The name of a file; a relative one is relative to the folder of the config file. */
export const file = z.string().min(1).meta({ file: true });
