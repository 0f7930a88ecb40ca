/** What a page of a single-page app names: its scripts and styles, and the files that those name. */

import { decodePath } from '../../core/path.ts';

/** More files than these are not followed. */
const MOST_FILES = 500;
/** Longer texts are looked at up to here, in characters. */
const MOST_TEXT = 8 * 1024 * 1024;

/** A file that a page loads. */
export interface PageFile {
  /** Raw path. */
  readonly target: string;
  readonly as: 'script' | 'style';
  /** A module, which is fetched with CORS. */
  readonly module: boolean;
}

/** The scripts and styles in a page's own words; those of other origins are left out. `index`: the path of the page. */
export function pageFiles(html: string, index: string): readonly PageFile[] {
  const text = html.slice(0, MOST_TEXT);
  const base = attribute(/<base\b[^>]*>/i.exec(text)?.[0] ?? '', 'href') ?? index;
  const files = new Map<string, PageFile>();
  for (const [tag] of text.matchAll(/<(?:script|link)\b[^>]*>/gi)) {
    const script = /^<script/i.test(tag);
    const rel = attribute(tag, 'rel')?.toLowerCase();
    if (!script && rel !== 'stylesheet' && rel !== 'modulepreload') continue;
    const target = resolved(attribute(tag, script ? 'src' : 'href'), base, index);
    if (target === undefined || files.size >= MOST_FILES) continue;
    const module = rel === 'modulepreload' || attribute(tag, 'type')?.toLowerCase() === 'module';
    files.set(target, { target, as: script || rel === 'modulepreload' ? 'script' : 'style', module });
  }
  return [...files.values()];
}

/** The names of files with a hash that a script or style names, as paths beside it. */
export function namedFiles(text: string, beside: string, hashed: RegExp): readonly string[] {
  const found = new Set<string>();
  for (const [, name] of text.slice(0, MOST_TEXT).matchAll(/["'(]((?:\.\/|\/)?[\w./-]{1,200}\.[a-z0-9]{2,5})["')]/g)) {
    if (!hashed.test(name!)) continue;
    const target = resolved(name, beside, beside);
    if (target !== undefined) found.add(target);
    if (found.size >= MOST_FILES) break;
  }
  return [...found];
}

/** The value of an attribute of a tag, in quotes of either kind or in none. */
function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`[\\s"']${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(tag);
  return match?.[1] ?? match?.[2] ?? match?.[3];
}

/** The raw path that a reference leads to; undefined where it leads to another origin, or out of the page's folder. */
function resolved(reference: string | undefined, base: string, index: string): string | undefined {
  if (reference === undefined || reference === '') return undefined;
  try {
    const page = new URL(base, new URL(index, 'http://page.invalid'));
    const url = new URL(reference, page);
    const folder = index.slice(0, index.lastIndexOf('/') + 1);
    if (url.host !== 'page.invalid' || !url.pathname.startsWith(folder)) return undefined;
    return decodePath(url.pathname) === undefined ? undefined : url.pathname;
  } catch {
    return undefined;
  }
}
