import type { z } from 'zod';
import type { RouteConfig } from '../routes.ts';
import { listener } from '../schema/listener.ts';
import { route } from '../schema/route.ts';
import { upstream } from '../schema/upstream.ts';
import { type Config, configSchema } from '../schema.ts';
import type { View } from './check.ts';

/** What checks see of a config: all of it, or where it did not parse as a whole, the parts that do. */
export function viewOf(raw: unknown, config: Config | undefined, routes: readonly RouteConfig[] | undefined): View {
  if (config !== undefined) {
    const { listeners, upstreams } = config;
    const names = { listeners: listeners.map(({ name }) => name), upstreams: Object.keys(upstreams) };
    return {
      config,
      routes,
      names,
      upstreams,
      listeners: [...listeners.entries()],
      ownRoutes: [...config.routes.entries()],
    };
  }
  const { listeners, upstreams, routes: own } = record(raw);
  const parsed = Object.entries(record(upstreams)).flatMap(([name, one]) => {
    const result = upstream.safeParse(one);
    return result.success ? [[name, result.data] as const] : [];
  });
  const named = list(listeners).flatMap((one) => {
    const { name } = record(one);
    return typeof name === 'string' ? [name] : [];
  });
  return {
    config: partsOf(record(raw)),
    listeners: entriesOf(listeners, listener),
    ownRoutes: entriesOf(own, route),
    upstreams: Object.fromEntries(parsed),
    names: { listeners: named, upstreams: Object.keys(record(upstreams)) },
    routes,
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function entriesOf<T extends z.ZodType>(value: unknown, schema: T): [number, z.output<T>][] {
  return list(value).flatMap((one, index): [number, z.output<T>][] => {
    const parsed = schema.safeParse(one);
    return parsed.success ? [[index, parsed.data]] : [];
  });
}

function partsOf(value: Record<string, unknown>): Partial<Config> {
  const parts = Object.entries(configSchema.shape).flatMap(([key, schema]) => {
    const parsed = schema.safeParse(value[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<Config>;
}
