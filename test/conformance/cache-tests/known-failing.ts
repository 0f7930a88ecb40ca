/** The required tests that the gateway fails, by id, each with the reason why that is right. */
export const KNOWN_FAILING: ReadonlyMap<string, string> = new Map([
  ...[
    'age-parse-nonnumeric',
    'age-parse-negative',
    'age-parse-float',
    'age-parse-prefix-twoline',
    'age-parse-dup-0',
    'age-parse-dup-0-twoline',
    'age-parse-dup-old',
    'age-parse-parameter',
    'age-parse-numeric-parameter',
  ].map(
    because(
      'older than RFC 9111, whose section 5.1 takes the first Age and ignores what is none: later states of the suite demand that, or only look',
    ),
  ),
  ...['stale-close-must-revalidate', 'stale-close-proxy-revalidate', 'stale-close-no-cache'].map(
    because(
      'wants an answer with the number of the origin, which has hung up: no cache can pass, and later states of the suite want none',
    ),
  ),
  ...['stale-close-s-maxage=2'].map(
    because('as above; besides, the stale_if_error_s that the config here has goes before the s-maxage of an origin'),
  ),
  ...['headers-store-Set-Cookie', '304-etag-update-response-Set-Cookie'].map(
    because('a stored Set-Cookie would hand the session of one user to another: such an answer is not stored'),
  ),
  ...['headers-store-Set-Cookie2', '304-etag-update-response-Set-Cookie2'].map(
    because(
      'wants the field itself from the store: who still sends Set-Cookie2 of RFC 2965 makes a session for one client, so such an answer is not stored',
    ),
  ),
  ...['304-etag-update-response-ETag'].map(
    because('a 304 that names another strong tag must not be used for the stored answer, RFC 9111 section 4.3.4'),
  ),
  ...['invalidate-M-SEARCH', 'invalidate-M-SEARCH-cl'].map(
    because('M-SEARCH is a method of UPnP that nothing behind the gateway serves: it is answered with 405'),
  ),
]);

function because(reason: string): (id: string) => readonly [string, string] {
  return (id) => [id, reason];
}
