/** What an answer of the gateway may be, whatever was asked: judged by the bytes that the origin sent. */

import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import type { CodingName } from '../../src/encoding/coding.ts';
import { codingOf } from '../../src/encoding/index.ts';
import type { ClientProtocol, Got } from '../support/cached.ts';

/** What a client asks for; tags are made of those that it has seen. */
export interface Wanted {
  readonly protocol: ClientProtocol;
  readonly method: 'GET' | 'HEAD';
  readonly accept: string | undefined;
  readonly range: string | undefined;
  readonly condition: string | undefined;
  readonly tag: number;
}

/** The body as the origin sends it, and what it is once decoded. */
export interface Body {
  readonly wire: Buffer;
  readonly plain: Buffer;
  readonly coded: boolean;
}

function list(got: Got, name: string): string[] {
  return got.fields.filter(([one]) => one === name).map(([, value]) => value);
}

/** Whether an Accept-Encoding may be answered with a coding, RFC 9110 section 12.5.3, read as loosely as may be. */
function accepts(field: string | undefined, coding: string): boolean {
  const members = (field ?? '')
    .toLowerCase()
    .split(',')
    .map((member) => member.split(';').map((part) => part.trim()));
  const of = (name: string) => members.find(([one]) => one === name || (one === 'x-gzip' && name === 'gzip'));
  const member = of(coding) ?? of('*');
  return member !== undefined && !/^q=0(?:\.0*)?$/.test(member[1] ?? '');
}

function checkParts(got: Got, { wire }: Body): void {
  const one = got.of('content-range');
  const part = (text: string | undefined, bytes: Buffer): void => {
    const [, first, last, length] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text ?? '')!.map(Number) as [
      number,
      number,
      number,
      number,
    ];
    assert.equal(length, wire.length);
    assert.ok(bytes.equals(wire.subarray(first, last + 1)), `${text}`);
  };
  if (one !== undefined) {
    part(one, got.body);
    return;
  }
  const boundary = `\r\n--${/^multipart\/byteranges; boundary=(.+)$/.exec(got.of('content-type')!)![1]!}`;
  let at = boundary.length - 2;
  for (;;) {
    const end = got.body.indexOf(boundary, at);
    const head = got.body.indexOf('\r\n\r\n', at);
    if (end === -1) {
      assert.equal(got.body.subarray(at).toString(), '--\r\n');
      return;
    }
    part(
      /content-range: (.*)/i.exec(got.body.subarray(at, head).toString('latin1'))?.[1]?.trim(),
      got.body.subarray(head + 4, end),
    );
    at = end + boundary.length;
  }
}

/** Throws where the answer is not right. `strong`: the bytes of each strong tag that was seen for this URL. */
export function check(
  got: Got,
  { method, accept, range, condition }: Wanted,
  body: Body,
  strong: Map<string, string>,
): void {
  assert.ok(!got.cut, 'whole');
  const codings = list(got, 'content-encoding');
  assert.ok(codings.length <= 1);
  const [coding] = codings;
  const vary = list(got, 'vary')
    .join()
    .toLowerCase()
    .split(',')
    .map((member) => member.trim());
  assert.ok(vary.filter((member) => member === 'accept-encoding').length <= 1, `${vary}`);
  assert.equal(list(got, 'etag').length <= 1 && list(got, 'content-length').length <= 1, true);
  const length = got.of('content-length');
  switch (got.status) {
    case 200: {
      const ours = coding !== undefined && !body.coded;
      if (ours) assert.ok(accepts(accept, coding) && vary.includes('accept-encoding'), `${accept}: ${coding}`);
      if (body.coded) assert.equal(coding, 'gzip');
      if (method === 'HEAD') {
        assert.equal(got.body.length, 0);
        const seen = strong.get(got.of('etag') ?? '');
        if (seen !== undefined && length !== undefined) assert.equal(Number(length), seen.length);
        return;
      }
      if (length !== undefined) assert.equal(Number(length), got.body.length);
      const plain = ours ? Buffer.from(codingOf(coding as CodingName).decode(got.body, 1 << 20)) : got.body;
      assert.ok(plain.equals(body.wire), 'the bytes of the origin');
      if (body.coded) assert.ok(gunzipSync(got.body).equals(body.plain));
      const tag = got.of('etag');
      if (tag?.startsWith('"')) {
        const text = got.body.toString('latin1');
        assert.equal(strong.get(tag) ?? text, text, `${tag} is of these bytes only`);
        strong.set(tag, text);
      }
      return;
    }
    case 206:
      assert.ok(range !== undefined && method === 'GET');
      assert.equal(coding, body.coded ? 'gzip' : undefined);
      assert.equal(Number(length), got.body.length);
      checkParts(got, body);
      return;
    case 304:
      assert.ok(condition === 'if-none-match' || condition === 'if-modified-since', `${condition}`);
      assert.deepEqual([got.body.length, coding, length], [0, undefined, undefined]);
      return;
    case 412:
      assert.ok(condition === 'if-match' || condition === 'if-unmodified-since', `${condition}`);
      assert.equal(got.body.length, 0);
      return;
    case 416:
      assert.ok(range !== undefined);
      assert.equal(got.body.length, 0);
      assert.equal(got.of('content-range'), `bytes */${body.wire.length}`);
      return;
    default:
      assert.fail(`status ${got.status}`);
  }
}
