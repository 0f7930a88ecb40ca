/**
 * Fields that say something of the coded bytes, RFC 9530 sections 2 and 3, RFC 3230, RFC 1864: a body that has one is
 * never coded by the gateway.
 */
export const DIGEST_FIELDS: ReadonlySet<string> = new Set(['content-digest', 'repr-digest', 'digest', 'content-md5']);
