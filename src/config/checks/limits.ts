import type { Check } from './check.ts';

/** SAML with the redirect binding carries whole documents in the query, saml-bindings-2.0-os section 3.4. */
const SAML_URL_BYTES = 16_384;

/** Limits go together, and let through what ZITADEL's flows need. */
export const limits: Check = ({ config: { limits: given } }, found) => {
  if (given === undefined) return;
  if (given.max_url_bytes < SAML_URL_BYTES) {
    found.warn(['limits', 'max_url_bytes'], `SAML redirects need at least ${SAML_URL_BYTES}`);
  }
  const { open_connections } = given.per_address ?? {};
  if (open_connections !== undefined && open_connections > given.max_connections) {
    found.warn(['limits', 'per_address', 'open_connections'], 'above max_connections: one address may have them all');
  }
  if (given.stream_window_bytes > given.connection_window_bytes) {
    found.warn(
      ['limits', 'stream_window_bytes'],
      'larger than connection_window_bytes, which is shared by all streams',
    );
  }
};
