import { z } from 'zod';
import { file } from './name.ts';

/** What all listeners with TLS share. */
export const tls = z.strictObject({
  tickets: z
    .strictObject({
      rotate_ms: z
        .int()
        .min(60_000)
        .max(604_800_000)
        .default(43_200_000)
        .describe(
          'How long a key encrypts tickets, in milliseconds; who comes back with a ticket of the key before makes a full handshake. The same in all replicas.',
        ),
      keys_file: file
        .optional()
        .describe(
          'File with a secret of 32 bytes or more that replicas share, such as `openssl rand -base64 48` makes: keys are made from it and the time, so that clients resume their sessions at any replica. It is watched.',
        ),
    })
    .prefault({})
    .describe('Tickets, by which clients resume TLS sessions within an hour.'),
});
