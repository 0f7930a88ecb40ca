import { type DescMethod, type DescService, getOption } from '@bufbuild/protobuf';
import { http } from '@zitadel/proto/google/api/annotations_pb.js';
import { V1_PREFIXES } from '../rpc/services.ts';

/** The REST twin of one RPC. */
export interface Binding {
  readonly method: DescMethod;
  /** Fields that the variables of the path are for, in their order. */
  readonly fields: readonly string[];
  /** The field that the body is for: `*` is the whole message, an empty string none. */
  readonly body: string;
}

/** A binding found for a path, with the values of its variables. */
export interface Match {
  readonly binding: Binding;
  readonly values: readonly string[];
}

interface Node {
  readonly literals: Map<string, Node>;
  variable: Node | undefined;
  /** Bindings whose last variable takes all the rest of the path (`{name=**}`). */
  readonly rest: Map<string, Binding>;
  readonly bindings: Map<string, Binding>;
}

/** All REST paths of the services, compiled once from their google.api.http annotations. */
export class RestTable {
  /** One mux per v1 service, as in ZITADEL, and one for all of v2 under the empty prefix. */
  readonly #roots = new Map<string, Node>();
  /** How many bindings there are. */
  size = 0;

  constructor(services: readonly DescService[]) {
    this.#roots.set('', node());
    for (const service of services) {
      const prefix = V1_PREFIXES[service.typeName] ?? '';
      for (const method of service.methods) this.#addMethod(prefix, method);
    }
  }

  /** The mux that a path belongs to and what is left of the path. */
  split(path: string): { prefix: string; rest: string } {
    for (const prefix of this.#roots.keys()) {
      if (prefix !== '' && (path === prefix || path.startsWith(`${prefix}/`))) {
        return { prefix, rest: path.slice(prefix.length) };
      }
    }
    return { prefix: '', rest: path };
  }

  /** The bindings of a path, by HTTP method; empty when the path is none. */
  find(prefix: string, path: string): Map<string, Match> {
    const found = new Map<string, Match>();
    const root = this.#roots.get(prefix);
    if (root) collect(root, path.split('/').slice(1), 0, [], found);
    return found;
  }

  #addMethod(prefix: string, method: DescMethod): void {
    const rule = getOption(method, http);
    for (const { pattern, body } of [rule, ...rule.additionalBindings]) {
      if (pattern.case === undefined || pattern.case === 'custom') continue;
      this.#add(prefix, pattern.case.toUpperCase(), pattern.value, method, body);
    }
  }

  #add(prefix: string, verb: string, template: string, method: DescMethod, body: string): void {
    let at = this.#roots.get(prefix) ?? node();
    this.#roots.set(prefix, at);
    const fields: string[] = [];
    for (const segment of template.split('/').slice(1)) {
      const variable = /^\{([\w.]+)(=\*\*)?\}$/.exec(segment);
      if (!variable) at = child(at, segment);
      else {
        fields.push(variable[1]!);
        if (variable[2]) {
          at.rest.set(verb, { method, fields, body });
          this.size += 1;
          return;
        }
        at.variable ??= node();
        at = at.variable;
      }
    }
    at.bindings.set(verb, { method, fields, body });
    this.size += 1;
  }
}

function node(): Node {
  return { literals: new Map(), variable: undefined, rest: new Map(), bindings: new Map() };
}

function child(parent: Node, literal: string): Node {
  const next = parent.literals.get(literal) ?? node();
  parent.literals.set(literal, next);
  return next;
}

/** Literal segments win over variables, variables over the rest; what is found first for a method stays. */
function collect(at: Node, segments: string[], from: number, values: string[], found: Map<string, Match>) {
  const take = (bindings: Map<string, Binding>, all: string[]) => {
    for (const [verb, binding] of bindings) if (!found.has(verb)) found.set(verb, { binding, values: all });
  };
  const segment = segments[from];
  if (segment === undefined) return take(at.bindings, values);
  const literal = at.literals.get(segment);
  if (literal) collect(literal, segments, from + 1, values, found);
  if (at.variable && segment !== '') collect(at.variable, segments, from + 1, [...values, segment], found);
  if (at.rest.size > 0) take(at.rest, [...values, segments.slice(from).join('/')]);
}
