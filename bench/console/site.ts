/** What all servers serve: the Console of the stand-in and one small file, in memory and as a tree on disk with its codings. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import { consoleFiles } from '../../src/demo/console/files.ts';
import { Sequence } from '../../src/demo/console/script.ts';

const SMALL_BYTES = 2048;
const PREFIX = '/ui/console/';
/** A coded file is only kept where it is smaller than this share of the plain one. */
const WORTH = 0.9;

/** One file of the site. `path` is what is asked for, `name` its name below the root of the tree on disk. */
export interface SiteFile {
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly body: Buffer;
}

/** Every file, and the two that are measured by themselves. */
export interface Site {
  readonly files: readonly SiteFile[];
  readonly bundle: SiteFile;
  readonly small: SiteFile;
}

/** The site; the same bytes in every process. */
export function site(): Site {
  const files = [...consoleFiles()].map(([name, { body, type }]) => file(name, type, body));
  const small = file('assets/i18n/small.json', 'application/json', smallJson());
  const bundle = files.find(({ name }) => /\/main\.[0-9a-f]+\.js$/.test(name));
  if (bundle === undefined) throw new Error('the Console of the stand-in has no main.*.js');
  return { files: [...files, small], bundle, small };
}

function file(name: string, type: string, body: Buffer): SiteFile {
  const path = `${PREFIX}${name === 'index.html' ? '' : name}`;
  return { path, name: `${PREFIX.slice(1)}${name}`, type, body };
}

/** JSON of exactly 2 KiB that reads like texts. */
function smallJson(): Buffer {
  const sequence = new Sequence(17);
  let text = '{"TITLE":"A small file"';
  for (let i = 0; text.length < SMALL_BYTES - 80; i += 1) {
    text += `,"TEXT.${i}":"${sequence.below(1 << 28).toString(36)} ${sequence.below(1 << 28).toString(36)}"`;
  }
  return Buffer.from(`${`${text},"END":"`.padEnd(SMALL_BYTES - 2, '.')}"}`);
}

/** Writes the files below `root`, each beside its `.gz` (level 9) and `.br` (quality 11) where that is worth it. */
export async function writeSite(root: string, { files }: Site): Promise<void> {
  await Promise.all(
    files.map(async ({ name, type, body }) => {
      const path = join(root, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, body);
      if (/^(?:image\/(?!svg)|font\/)/.test(type)) return;
      const [gz, br] = await Promise.all([
        promisify(gzip)(body, { level: 9 }),
        promisify(brotliCompress)(body, {
          params: { [zlib.BROTLI_PARAM_QUALITY]: 11, [zlib.BROTLI_PARAM_SIZE_HINT]: body.length },
        }),
      ]);
      if (gz.length < body.length * WORTH) await writeFile(`${path}.gz`, gz);
      if (br.length < body.length * WORTH) await writeFile(`${path}.br`, br);
    }),
  );
}
