/** Answers made from stored ones: in the coding that the client takes, whole, in part, or not at all. */

import { randomUUID } from 'node:crypto';
import type { CacheStatus } from '../../cache/cache-status.ts';
import { addCacheStatus } from '../../cache/cache-status.ts';
import { evaluate, notModifiedFields, rangeHolds, type Validators } from '../../cache/conditions.ts';
import { bodyTag, codedTag, type EntityTag, tagText } from '../../cache/etag.ts';
import { ageS } from '../../cache/freshness.ts';
import { multipart } from '../../cache/multipart.ts';
import { contentRange, resolveRange } from '../../cache/ranges.ts';
import type { StoredAnswer } from '../../cache/stored.ts';
import type { Answer, BodySource, Exchange } from '../../core/exchange.ts';
import { addVary, getField, setField } from '../../core/headers.ts';
import type { Fields, Sink } from '../../core/raw.ts';
import { CODING_NAMES, type CodingName } from '../../encoding/coding.ts';
import { Acceptance } from '../../encoding/negotiate.ts';
import { asksNoTransform } from '../../encoding/no-transform.ts';
import { wantsWhole } from './question.ts';
import type { Variants } from './variants.ts';

/** What is asked of the codings of a body. */
type Codings = Pick<Variants, 'varies' | 'standIn' | 'best'>;

/** A stored answer in one coding, ready but for what differs from request to request. */
interface Form {
  readonly body: Uint8Array;
  readonly fields: Fields;
  readonly tag: EntityTag;
  /** What conditions compare it by; made anew when there are other codings. */
  validators: { readonly codings: number; readonly of: Validators } | undefined;
  /** The fields of the last 304, and the tag that it names: most clients have the body under the same. */
  notModified: { readonly tag: EntityTag | undefined; readonly fields: Fields } | undefined;
}

/** All forms of a stored answer that were asked for, and what conditions compare. */
interface Forms {
  readonly plain: Form;
  readonly coded: Map<CodingName, Form>;
  /** In a coding that stands in for one which is not made yet, by its bytes. */
  readonly standIns: WeakMap<Uint8Array, Form>;
  readonly lastModified: string | undefined;
  readonly date: string | undefined;
}

const formsOf = new WeakMap<StoredAnswer, Forms>();
const acceptance = new Acceptance();

/** A body that is here. */
class WholeBody implements BodySource {
  readonly whole: readonly Uint8Array[];
  #sink: Sink | undefined;
  constructor(chunks: readonly Uint8Array[]) {
    this.whole = chunks;
  }
  start(sink: Sink): void {
    this.#sink = sink;
    for (const chunk of this.whole) this.#sink?.write(chunk);
    this.#sink?.end();
  }
  drained(): void {}
  stop(): void {
    this.#sink = undefined;
  }
}

/** Sends the answer to an exchange. */
export function serve(
  exchange: Exchange,
  stored: StoredAnswer,
  status: CacheStatus,
  now: number,
  variants: Codings,
): void {
  const { head, raw } = exchange;
  const forms = formsFor(stored, variants);
  const ranged = stored.status === 200 ? getField(raw.fields, 'range') : undefined;
  // A part of a coded body is of no use to who has a part of another coding: parts are of the body as it is.
  const asIs = ranged !== undefined || asksNoTransform(head);
  const form = asIs ? forms.plain : formFor(stored, forms, head.headers['accept-encoding'], variants);
  const age = String(ageS(stored, now));
  const send: Send = (code, fields, chunks) => {
    fields.push('age', age);
    addCacheStatus(fields, status);
    const ended = chunks.length === 0 || head.method === 'HEAD';
    const answer: Answer = { status: code, fields, ended, source: 'cache', sink: undefined };
    exchange.answer(answer, new WholeBody(chunks));
  };
  if (stored.status === 200 && wantsWhole(raw.fields)) {
    const validators = validatorsOf(stored, forms, form);
    const condition = evaluate(raw.fields, validators, now);
    if (condition.outcome === 'not_modified') {
      send(304, notModified(form, forms.plain, condition.tag).slice(), []);
      return;
    }
    if (condition.outcome === 'precondition_failed') {
      send(412, ['cache-control', 'no-store'], []);
      return;
    }
    if (ranged !== undefined && head.method === 'GET' && rangeHolds(raw.fields, validators, now)) {
      serveParts(form, ranged, send);
      return;
    }
  }
  send(stored.status, form.fields.slice(), pieces(form.body));
}

type Send = (code: number, fields: Fields, chunks: readonly Uint8Array[]) => void;

function pieces(body: Uint8Array): readonly Uint8Array[] {
  return body.length === 0 ? [] : [body];
}

function serveParts(form: Form, ranged: string, send: Send): void {
  const { body } = form;
  const asked = resolveRange(ranged, body.length);
  const fields = form.fields.slice();
  switch (asked.kind) {
    case 'whole':
      send(200, fields, pieces(body));
      return;
    case 'unsatisfiable':
      send(416, ['content-range', asked.contentRange], []);
      return;
    case 'one': {
      const part = body.subarray(asked.range.first, asked.range.last + 1);
      setField(fields, 'content-length', String(part.length));
      setField(fields, 'content-range', contentRange(asked.range, body.length));
      send(206, fields, [part]);
      return;
    }
    case 'several': {
      const parts = multipart(body, asked.ranges, getField(fields, 'content-type'), randomUUID());
      setField(fields, 'content-type', parts.contentType);
      setField(fields, 'content-length', String(parts.contentLength));
      send(206, fields, parts.chunks);
      return;
    }
  }
}

function formsFor(stored: StoredAnswer, variants: Codings): Forms {
  let forms = formsOf.get(stored);
  if (forms === undefined) {
    forms = {
      plain: makeForm(stored, undefined, stored.body, variants),
      coded: new Map(),
      standIns: new WeakMap(),
      lastModified: getField(stored.fields, 'last-modified'),
      date: getField(stored.fields, 'date'),
    };
    formsOf.set(stored, forms);
  }
  return forms;
}

/** The best form that is there and that the client takes: in the coding that it likes most also one that was made quickly. */
function formFor(stored: StoredAnswer, forms: Forms, accept: string | string[] | undefined, variants: Codings): Form {
  const codings = acceptance.codings(accept);
  for (const coding of codings) {
    const known = forms.coded.get(coding);
    if (known !== undefined) return known;
    const best = stored.codings.get(coding);
    if (best !== undefined) {
      variants.best(stored, coding);
      const form = makeForm(stored, { name: coding, strength: 'strong' }, best, variants);
      forms.coded.set(coding, form);
      return form;
    }
    const standIn = coding === codings[0] ? variants.standIn(stored, coding) : undefined;
    if (standIn === undefined) continue;
    let form = forms.standIns.get(standIn);
    if (form === undefined) {
      form = makeForm(stored, { name: coding, strength: 'weak' }, standIn, variants);
      forms.standIns.set(standIn, form);
    }
    return form;
  }
  return forms.plain;
}

function makeForm(
  stored: StoredAnswer,
  coding: { readonly name: CodingName; readonly strength: 'strong' | 'weak' } | undefined,
  body: Uint8Array,
  variants: Codings,
): Form {
  const fields = stored.fields.slice();
  const origin = getField(fields, 'etag');
  const plain = bodyTag(origin, stored.digest);
  const tag = coding === undefined ? plain : codedTag(plain, coding.name, coding.strength);
  if (stored.status === 200) setField(fields, 'etag', tagText(tag));
  if (coding !== undefined) fields.push('content-encoding', coding.name);
  if (variants.varies(stored)) addVary(fields, 'accept-encoding');
  // Parts of bytes that are others after a while cannot be put together.
  const lasting = coding?.strength !== 'weak';
  if (stored.status === 200) setField(fields, 'accept-ranges', lasting ? 'bytes' : undefined);
  // Neither has a body whose length could be told, RFC 9110 section 8.6.
  if (stored.status !== 204) fields.push('content-length', String(body.length));
  return { body, fields, tag, validators: undefined, notModified: undefined };
}

/** The fields of a 304 for who has the body under a tag; undefined where a date decided. Not to be changed. */
function notModified(form: Form, plain: Form, tag: EntityTag | undefined): Fields {
  const known = form.notModified;
  if (known !== undefined && known.tag === tag) return known.fields;
  const fields = notModifiedFields(form.fields);
  if (tag !== undefined) {
    setField(fields, 'etag', tagText(tag));
    // Its 200 was coded by `compress`, and said so.
    if (tag.opaque !== plain.tag.opaque) addVary(fields, 'accept-encoding');
  }
  form.notModified = { tag, fields };
  return fields;
}

/**
 * All tags that the gateway may have given for the body: strong ones of the codings that are stored, and weak ones of
 * those that `compress` made while the body passed, before they were stored or without.
 */
function validatorsOf(stored: StoredAnswer, { plain, lastModified, date }: Forms, form: Form): Validators {
  let codings = 0;
  for (let i = 0; i < CODING_NAMES.length; i += 1) if (stored.codings.has(CODING_NAMES[i]!)) codings |= 1 << i;
  if (form.validators?.codings === codings) return form.validators.of;
  const tags = form === plain ? [plain.tag] : [form.tag, plain.tag];
  for (const coding of CODING_NAMES) {
    if (stored.codings.has(coding)) tags.push(codedTag(plain.tag, coding, 'strong'));
    tags.push(codedTag(plain.tag, coding, 'weak'));
  }
  const of = { tags, lastModified, date };
  form.validators = { codings, of };
  return of;
}
