import { z } from 'zod';

/** How a changed config comes into force. */
export const reload = z.strictObject({
  watch: z
    .boolean()
    .default(true)
    .describe(
      'Whether the config and the files that are read with it are followed, and read again when they change; else by SIGHUP and POST /reload only. `serve --watch` and `--no-watch` come before it.',
    ),
});
