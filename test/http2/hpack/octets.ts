/** Header blocks by hand, for the tests of HPACK. */

/** Octets from hexadecimal digits with any spaces. */
export const octets = (hex: string): Buffer => Buffer.from(hex.replace(/\s+/g, ''), 'hex');

/** Limits that no test reaches by chance. */
export const WIDE = { maxTableBytes: 4096, maxHeaderBytes: 1 << 20, maxFields: 10_000 };
