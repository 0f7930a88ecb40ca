/** The REST paths of RPCs as a tree of segments: what grpc-gateway serves under a path. */

import type { RestPath } from './definitions.ts';
import type { Rpc } from './rpc.ts';

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
    const exact = matchFrom(this.#root, path, method === 'HEAD' ? 'GET' : method);
    // Only where no handler at all is for POST is another one asked.
    return exact !== undefined || method !== 'POST' ? exact : matchFrom(this.#root, path, FALLBACKS);
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

/** One method, or several of which the first that has a binding counts. */
type Methods = string | readonly string[];

function matchFrom(root: Segment, path: string, methods: Methods): RestMatch | undefined {
  const values: string[] = [];
  const binding = match(root, path, 1, methods, values);
  return binding === undefined ? undefined : { binding, values };
}

/** `from` is where the next segment begins: behind the end of the path where there is none. */
function match(at: Segment, path: string, from: number, methods: Methods, values: string[]): RestBinding | undefined {
  if (from > path.length) return of(at.bindings, methods);
  const slash = path.indexOf('/', from);
  const end = slash === -1 ? path.length : slash;
  const segment = path.slice(from, end);
  const literal = at.literals.get(segment);
  const found = literal === undefined ? undefined : match(literal, path, end + 1, methods, values);
  if (found !== undefined) return found;
  if (at.variable !== undefined && segment !== '') {
    values.push(segment);
    const variable = match(at.variable, path, end + 1, methods, values);
    if (variable !== undefined) return variable;
    values.pop();
  }
  const rest = at.rest.size === 0 ? undefined : of(at.rest, methods);
  if (rest !== undefined) values.push(path.slice(from));
  return rest;
}

function of(bindings: ReadonlyMap<string, RestBinding>, methods: Methods): RestBinding | undefined {
  if (typeof methods === 'string') return bindings.get(methods);
  for (const method of methods) {
    const binding = bindings.get(method);
    if (binding !== undefined) return binding;
  }
  return undefined;
}
