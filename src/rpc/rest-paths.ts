/** The REST paths of RPCs as a tree of segments: what grpc-gateway serves under a path. */

import type { RestPath } from './definitions.ts';
import type { Rpc } from './rpc-table.ts';

/** What a path leads to. */
export interface RestMatch {
  readonly binding: RestBinding;
  /** The values of its variables, in their order. */
  readonly values: readonly string[];
}

/** A REST path of an RPC, compiled. */
export interface RestBinding {
  readonly rpc: Rpc;
  /** Field paths that the variables are for, in their order. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** A segment of paths: what may follow it, and the bindings that end here, by HTTP method. */
class Segment {
  readonly literals = new Map<string, Segment>();
  variable: Segment | undefined;
  readonly bindings = new Map<string, RestBinding>();
  /** Bindings whose last variable takes all the rest of the path (`{name=**}`). */
  readonly rest = new Map<string, RestBinding>();
}

/**
 * Of which handlers a POST may be served where the path has none for POST (grpc-gateway, runtime/mux.go: form POSTs;
 * of GET alone in newer versions, of any in older ones). It counts as the one that changes most.
 */
const FALLBACKS = ['PATCH', 'PUT', 'DELETE', 'GET'];

export class RestPaths {
  readonly #root = new Segment();

  /** Throws an Error where a template is of a form that is not known here, so that none is silently left out. */
  constructor(paths: readonly RestPath[]) {
    for (const path of paths) this.#add(path);
  }

  /**
   * The RPC of a decoded path; undefined where there is none. Literal segments win over variables, variables over the
   * rest of the path. HEAD is read as GET: grpc-gateway has no handler of its own for it.
   */
  find(method: string, path: string): RestMatch | undefined {
    const segments = path.split('/');
    // Most paths are of something else: they end here.
    if (!this.#root.literals.has(segments[1] ?? '') && this.#root.variable === undefined) return undefined;
    const exact = matchFrom(this.#root, segments, method === 'HEAD' ? 'GET' : method);
    if (exact !== undefined || method !== 'POST') return exact;
    for (const other of FALLBACKS) {
      const found = matchFrom(this.#root, segments, other);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #add({ rpc, verb, template, body }: RestPath): void {
    let at = this.#root;
    const fields: string[] = [];
    for (const segment of template.split('/').slice(1)) {
      const variable = /^\{([\w.]+)(=\*\*)?\}$/.exec(segment);
      if (variable === null) {
        if (/[{}*:]/.test(segment)) throw new Error(`${rpc.name}: the path ${template} is of an unknown form`);
        const next: Segment = at.literals.get(segment) ?? new Segment();
        at.literals.set(segment, next);
        at = next;
        continue;
      }
      fields.push(variable[1]!);
      if (variable[2] !== undefined) {
        at.rest.set(verb, { rpc, fields, body });
        return;
      }
      at.variable ??= new Segment();
      at = at.variable;
    }
    at.bindings.set(verb, { rpc, fields, body });
  }
}

function matchFrom(root: Segment, segments: readonly string[], method: string): RestMatch | undefined {
  const values: string[] = [];
  const binding = match(root, segments, 1, method, values);
  return binding === undefined ? undefined : { binding, values };
}

function match(
  at: Segment,
  segments: readonly string[],
  from: number,
  method: string,
  values: string[],
): RestBinding | undefined {
  if (from === segments.length) return at.bindings.get(method);
  const segment = segments[from]!;
  const literal = at.literals.get(segment);
  const found = literal === undefined ? undefined : match(literal, segments, from + 1, method, values);
  if (found !== undefined) return found;
  if (at.variable !== undefined && segment !== '') {
    values.push(segment);
    const variable = match(at.variable, segments, from + 1, method, values);
    if (variable !== undefined) return variable;
    values.pop();
  }
  const rest = at.rest.get(method);
  if (rest !== undefined) values.push(segments.slice(from).join('/'));
  return rest;
}
