/**
 * The files of a page that is built anew with each release, as ZITADEL's Console is. Files with a hash in their name
 * never change and are kept over releases, for the browsers that still run the page before. The page and the files
 * without a hash belong together: when another page comes, those of the one before go (zitadel/zitadel#3833, #9551).
 * All of them are asked of the endpoint that gave the page, so that a roll-out mixes no two releases.
 */

import type { Store } from '../../cache/store.ts';
import type { CacheKey, StoredAnswer } from '../../cache/stored.ts';
import { earlyHints } from './early-hints.ts';
import type { SinglePageApp } from './options.ts';
import { pageFiles } from './page.ts';

/** What is known of the page of one host. */
interface Current {
  readonly digest: string;
  /** Which endpoint gave it. */
  readonly endpoint: string | undefined;
  /** What a 103 before the page says; undefined where none is sent. */
  readonly hints: string | undefined;
}

/** The most hosts that are remembered: one without its page has no old files to throw away. */
const MOST_HOSTS = 10_000;

/** What a path of a page's route leads to: the page, a file with a hash in its name, or another one. */
export type FileKind = 'index' | 'hashed' | 'unhashed';

/** The releases of one route. */
export class Release {
  readonly #options: SinglePageApp;
  readonly #hashed: RegExp;
  readonly #current = new Map<string, Current>();

  constructor(options: SinglePageApp) {
    this.#options = options;
    this.#hashed = new RegExp(options.hashed);
  }

  /** What a target is; it is one of `target`, or a decoded path. */
  kind(path: string): FileKind {
    if (path === this.#options.index) return 'index';
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!name.includes('.')) return 'index';
    return this.#hashed.test(name) ? 'hashed' : 'unhashed';
  }

  /** What is asked for a path: the page for all that answer it, without a query; undefined where it stays as it came. */
  target(path: string): string | undefined {
    if (this.kind(path) === 'index') return this.#options.index;
    // The origin looks at the decoded path only; an escaped one goes as it came.
    return /^[\w./-]+$/.test(path) ? path : undefined;
  }

  /** The endpoint that gave the page of this host. */
  endpoint(key: CacheKey): string | undefined {
    return this.#current.get(hostKey(key))?.endpoint;
  }

  /** The Link field of a 103 for whoever waits for the page of this host; undefined where there is nothing to say. */
  hints(key: CacheKey): string | undefined {
    return this.kind(key.target) === 'index' ? this.#current.get(hostKey(key))?.hints : undefined;
  }

  /** Whether an answer of a release may stand beside the page that is known here. */
  agrees(key: CacheKey, { release }: Pick<StoredAnswer, 'release'>): boolean {
    const current = this.#current.get(hostKey(key));
    return release === '' || current === undefined || current.digest === release || this.kind(key.target) === 'index';
  }

  /** The longest freshness of a file, in seconds, and where it is the only one that counts. */
  ttl(key: CacheKey): { readonly atMost: number | undefined; readonly instead: number | undefined } {
    const kind = this.kind(key.target);
    return {
      atMost: kind === 'unhashed' ? this.#options.unhashed_ttl_s : undefined,
      instead: kind === 'hashed' ? this.#options.hashed_ttl_s : undefined,
    };
  }

  /** The name of the release that a file belongs to; empty for what outlives them. */
  name(key: CacheKey, digest: string): string {
    const kind = this.kind(key.target);
    if (kind === 'hashed') return '';
    return kind === 'index' ? digest : (this.#current.get(hostKey(key))?.digest ?? 'unknown');
  }

  /** A page was fetched or confirmed; throws away what belongs to another one. Gives how much. */
  arrived(key: CacheKey, answer: StoredAnswer, endpoint: string | undefined, store: Store): number {
    if (this.kind(key.target) !== 'index' || answer.status !== 200) return 0;
    const host = hostKey(key);
    const before = this.#current.get(host);
    if (before === undefined && this.#current.size >= MOST_HOSTS) {
      this.#current.delete(this.#current.keys().next().value!);
    }
    const same = before?.digest === answer.digest;
    this.#current.set(host, { digest: answer.digest, endpoint, hints: same ? before.hints : this.#hintsOf(answer) });
    if (same) return 0;
    return store.purge(
      (other, { release }) =>
        other.route === key.route &&
        other.scheme === key.scheme &&
        other.host === key.host &&
        release !== '' &&
        release !== answer.digest &&
        // What came before its page is of the same release as far as anybody can tell.
        !(before === undefined && release === 'unknown'),
    );
  }

  #hintsOf({ body }: StoredAnswer): string | undefined {
    const { early_hints, index } = this.#options;
    if (!early_hints) return undefined;
    return earlyHints(pageFiles(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'), index));
  }
}

function hostKey({ scheme, host }: CacheKey): string {
  return `${scheme}://${host}`;
}
