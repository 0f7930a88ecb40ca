import { z } from 'zod';
import { network } from '../network.ts';
import { file } from './name.ts';

/** A list of networks that rules name as `@name`. */
export const namedList = z.strictObject({
  addresses: z.array(network).default([]).describe('Networks and addresses of the list.'),
  file: file
    .optional()
    .describe('File with more of them, one a line, `#` begins a comment. Read again when it changes.'),
});
