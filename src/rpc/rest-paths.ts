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
 * Whose handler may serve a POST where the path has none for POST (grpc-gateway, runtime/mux.go, isPathLengthFallback:
 * form POSTs; that of GET in newer releases, of any method in older ones). It counts as the one that changes most.
 */
const FALLBACKS = ['PATCH', 'PUT', 'DELETE', 'GET'];

/** REST paths, compiled. */
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
    const exact = matchFrom(this.#root, segments, [method === 'HEAD' ? 'GET' : method]);
    // Only where no handler at all is for POST is another one asked.
    return exact !== undefined || method !== 'POST' ? exact : matchFrom(this.#root, segments, FALLBACKS);
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

function matchFrom(root: Segment, segments: readonly string[], methods: readonly string[]): RestMatch | undefined {
  const values: string[] = [];
  const binding = match(root, segments, 1, methods, values);
  return binding === undefined ? undefined : { binding, values };
}

function match(
  at: Segment,
  segments: readonly string[],
  from: number,
  methods: readonly string[],
  values: string[],
): RestBinding | undefined {
  if (from === segments.length) return firstOf(at.bindings, methods);
  const segment = segments[from]!;
  const literal = at.literals.get(segment);
  const found = literal === undefined ? undefined : match(literal, segments, from + 1, methods, values);
  if (found !== undefined) return found;
  if (at.variable !== undefined && segment !== '') {
    values.push(segment);
    const variable = match(at.variable, segments, from + 1, methods, values);
    if (variable !== undefined) return variable;
    values.pop();
  }
  const rest = firstOf(at.rest, methods);
  if (rest !== undefined) values.push(segments.slice(from).join('/'));
  return rest;
}

function firstOf(bindings: ReadonlyMap<string, RestBinding>, methods: readonly string[]): RestBinding | undefined {
  for (const method of methods) {
    const binding = bindings.get(method);
    if (binding !== undefined) return binding;
  }
  return undefined;
}
