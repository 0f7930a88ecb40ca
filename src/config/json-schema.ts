import { z } from 'zod';
import { configSchema } from './schema.ts';

/** A node of a JSON Schema, as far as this file looks at it. */
type Node = Record<string, unknown>;

/** The scalars that a reference to the environment may stand for, beside free text. */
const TYPED = new Set(['integer', 'number', 'boolean']);

const REFERENCE = {
  description: 'A reference to the environment.',
  type: 'string',
  pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}$',
};

/** The config as JSON Schema for editors (draft-07, which yaml-language-server knows best). */
export function jsonSchema(): Node {
  const { $schema, definitions, ...root } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-07' }) as Node;
  return {
    $schema,
    $id: 'gateway.schema.json',
    title: 'Gatehouse',
    description: 'Config of the Gatehouse gateway.',
    ...withReferences(root),
    definitions: { ...named(definitions as Node), reference: REFERENCE },
  };
}

/** Lets `${NAME}` stand where a number, a boolean or one of several values is expected, and drops the marks of our own. */
function withReferences(node: Node): Node {
  const { title, description, default: fallback, secret: _, file: __, id: ___, ...rest } = node;
  const shown = {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
  };
  if (isTyped(rest)) return { ...shown, anyOf: [rest, { $ref: '#/definitions/reference' }] };
  const { properties, items, anyOf, additionalProperties } = rest;
  return {
    ...shown,
    ...rest,
    ...(properties !== undefined && { properties: named(properties as Node) }),
    ...(items !== undefined && { items: withReferences(items as Node) }),
    ...(anyOf !== undefined && { anyOf: (anyOf as Node[]).map(withReferences) }),
    ...(typeof additionalProperties === 'object' && {
      additionalProperties: withReferences(additionalProperties as Node),
    }),
  };
}

function named(nodes: Node): Node {
  return Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, withReferences(node as Node)]));
}

function isTyped(node: Node): boolean {
  if (Object.hasOwn(node, 'const')) return false;
  return Object.hasOwn(node, 'enum') || TYPED.has(node.type as string) || Object.hasOwn(node, 'pattern');
}
