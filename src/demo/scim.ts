import type { Visit } from './visit.ts';

const SCIM_JSON = 'application/scim+json';
/** `SCIM.MaxRequestBodySize` of ZITADEL cmd/defaults.yaml. */
const MAX_BODY_BYTES = 1_000_000;

/** The SCIM endpoint, empty but well-formed (RFC 7644). */
export async function answerScim(visit: Visit): Promise<void> {
  if (visit.bearer === '') return refuse(visit, 401, 'auth header missing');
  if (visit.method === 'GET') {
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:ListResponse'];
    return visit.json(200, { schemas, totalResults: 0, Resources: [] }, { 'content-type': SCIM_JSON });
  }
  const body = await visit.body();
  if (body.length > MAX_BODY_BYTES) return refuse(visit, 413, 'request body too large');
  refuse(visit, 501, 'not implemented');
}

function refuse(visit: Visit, status: number, detail: string): void {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:Error'];
  visit.json(status, { schemas, status: String(status), detail }, { 'content-type': SCIM_JSON });
}
