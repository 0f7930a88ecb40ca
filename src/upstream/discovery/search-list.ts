/** The search list of resolv.conf: under which full names a short one is looked for. resolv.conf(5). */

/** What the file says of it. */
export interface SearchList {
  readonly domains: readonly string[];
  /** A name with so many dots is tried as it is first. */
  readonly ndots: number;
}

/** Names are taken as they are. */
export const NO_SEARCH: SearchList = { domains: [], ndots: 1 };

/** glibc takes any number since 2.26; each costs questions. */
const MAX_DOMAINS = 32;
const MAX_NDOTS = 15;

/** Reads the text of a resolv.conf; the last `search` or `domain` counts. */
export function parseSearchList(text: string): SearchList {
  let domains: string[] = [];
  let ndots = NO_SEARCH.ndots;
  for (const line of text.split('\n')) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === 'search') domains = values.slice(0, MAX_DOMAINS);
    else if (key === 'domain') domains = values.slice(0, 1);
    else if (key === 'options') {
      for (const value of values) {
        const match = /^ndots:(\d{1,4})$/.exec(value);
        if (match !== null) ndots = Math.min(Number(match[1]), MAX_NDOTS);
      }
    }
  }
  // `search .` is the root: no domain at all.
  return { domains: domains.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''), ndots };
}

/** The full names to try, in their order; a dot at the end says that the name is full already. */
export function candidates(name: string, { domains, ndots }: SearchList): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const longer = domains.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= ndots ? [name, ...longer] : [...longer, name];
}
