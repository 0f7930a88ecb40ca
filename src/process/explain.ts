/** `gatehouse explain`: what would become of a request. */

import type { ExplainQuestion } from '../admin/entry.ts';
import { whereabouts } from '../config/endpoints.ts';
import { loadConfig } from '../config/load.ts';
import { redacted } from '../config/redact.ts';
import type { Config } from '../config/schema.ts';
import { canonicalAddress } from '../core/address.ts';
import { systemClock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { ClientAddress } from '../core/exchange.ts';
import { droppedBecause } from '../core/headers.ts';
import type { Connection, Fields, RawRequest } from '../core/raw.ts';
import { dialectOf } from '../dialects/index.ts';
import type { Admission } from '../gateway/admission.ts';
import { headOf, OpenExchange } from '../gateway/exchange.ts';
import type { Generation } from '../gateway/generation.ts';
import type { CompiledRoute } from '../gateway/route-table.ts';
import { upstreamFields } from '../gateway/upstream-fields.ts';
import { fieldEdits } from '../policies/headers.ts';
import { POLICIES } from '../policies/index.ts';
import { routingForm } from '../transport/faults.ts';
import { headFields } from '../transport/head-fields.ts';
import { columns, compiled, targetOf } from './check.ts';

/** Prints the route, upstream, policies and headers of a request; exit code 1 where it would be refused. */
export async function explain(file: string, question: ExplainQuestion): Promise<number> {
  const generation = await compiled((await loadConfig(file)).config);
  const { text, forwarded } = explained(generation, question);
  process.stdout.write(text);
  return forwarded ? 0 : 1;
}

/** What a generation would do with a request, for people; throws what is wrong with the question. */
export function explained(
  generation: Generation,
  question: ExplainQuestion,
): { readonly text: string; readonly forwarded: boolean } {
  // What is printed here ends up in reports: secrets that the config sets are not shown.
  const config = redacted(generation.config);
  const request = requestOf(question, config);
  const dialect = dialectOf(headOf(request));
  const listener = config.listeners.find(({ name }) => name === request.connection.listener)!;
  const route = generation.table.match(request);
  const { client, refused } = admitted(request, generation);
  const lines: string[][] = [
    ['request', `${question.method} ${request.authority}${request.target}`],
    ['listener', `${listener.name}${listener.trust === 'internal' ? ' (trust: internal)' : ''}`],
    ['dialect', dialect.name],
    [
      'client',
      client === undefined
        ? 'unknown'
        : `${client.address} by ${client.scheme}${client.trustedPeer ? ' (trusted peer)' : ''}`,
    ],
  ];
  if (refused !== undefined)
    lines.push(['answer', `refused: ${refused.code}${refused.detail ? ` (${refused.detail})` : ''}`]);
  else if (listener.redirect !== undefined) lines.push(['answer', '308 to https']);
  else if (route === undefined) lines.push(['answer', 'refused: NO_ROUTE']);
  else {
    const { config: found } = route;
    lines.push(['route', `${found.name} (from ${found.source === 'preset' ? 'the preset' : 'the config'})`]);
    lines.push(['class', found.class], ['answer', targetOf(found)]);
    const { upstream } = route.info;
    if (upstream !== undefined) {
      const there = config.upstreams[upstream]!;
      lines.push(['upstream', `${upstream}: ${there.protocol} to ${whereabouts(there)}`]);
    }
    const said = client && generation.explain(route, new OpenExchange(request, client, route.info, systemClock));
    for (const { name } of POLICIES) {
      const settings = found.policies[name];
      const [first, ...rest] = said?.get(name) ?? [];
      lines.push([`policy ${name}`, settings === undefined ? 'off' : (first ?? JSON.stringify(settings))]);
      for (const line of rest) lines.push(['', line]);
    }
  }
  let text = `${columns(lines).join('\n')}\n`;
  const forwarded = refused === undefined && route?.info.upstream !== undefined && listener.redirect === undefined;
  if (forwarded && client !== undefined) {
    text += `\n${headerLines(config, request, client, route, generation.admission).join('\n')}\n`;
  }
  const answered = forwarded || route?.config.action === 'redirect' || listener.redirect !== undefined;
  return { text, forwarded: answered };
}

/** What holds before routes count. */
function admitted(request: RawRequest, { admission }: Generation): { client?: ClientAddress; refused?: GatewayError } {
  const refused = admission.refusal(request);
  try {
    return { client: admission.client(request), ...(refused && { refused }) };
  } catch (error) {
    return { refused: refused ?? GatewayError.from(error) };
  }
}

/** A request as the transport would make it. */
function requestOf(question: ExplainQuestion, config: Config): RawRequest {
  const name =
    question.listener ?? config.listeners.find(({ trust, redirect }) => trust === 'public' && !redirect)?.name;
  const listener = config.listeners.find((one) => one.name === (name ?? config.listeners[0]!.name));
  if (listener === undefined)
    throw new Error(`no listener '${name}': expected ${config.listeners.map((l) => l.name).join(', ')}`);
  const peerAddress = canonicalAddress(question.ip);
  if (peerAddress === undefined) throw new Error(`--ip ${question.ip}: expected an IPv4 or IPv6 address`);
  const match = /^(?:https?:\/\/([^/?#]*))?(\/.*)?$/i.exec(question.url);
  if (match === null) throw new Error(`${question.url}: expected https://host/path or /path`);
  const fields: Fields = [];
  let host = match[1] ?? config.hosts.find((one) => !one.startsWith('*.')) ?? 'localhost';
  for (const header of question.headers) {
    const colon = header.indexOf(':');
    if (colon < 1) throw new Error(`--header ${header}: expected NAME:VALUE`);
    const field = header.slice(0, colon).trim().toLowerCase();
    const value = header.slice(colon + 1).trim();
    if (field === 'host') host = value;
    else fields.push(field, value);
  }
  const target = match[2] ?? '/';
  const limits = {
    maxHeaderBytes: config.limits.max_header_bytes,
    maxHeaderCount: config.limits.max_header_count,
    maxUrlBytes: config.limits.max_url_bytes,
  };
  const method = question.method.toUpperCase();
  const head = headFields(fields, true);
  const { fault, ...form } = routingForm({ method, target, authority: host, authorities: 1, head, limits });
  const connection: Connection = {
    id: 0,
    peerAddress,
    listener: listener.name,
    tlsVersion: undefined,
    serverName: undefined,
  };
  const headers: Record<string, string> = { host };
  for (let i = 0; i < fields.length; i += 2) headers[fields[i]!] = fields[i + 1]!;
  return {
    ...form,
    fault: fault?.code,
    faultDetail: fault?.detail,
    requestedMethod: method,
    target,
    // gRPC is HTTP/2 only; what is not said otherwise comes by HTTP/2.
    httpVersionMajor: 2,
    httpVersion: '2.0',
    headers,
    fields: head.fields,
    authority: host,
    connection,
    stream: undefined as never, // nothing is relayed
    socket: { remoteAddress: peerAddress },
  };
}

/** What the upstream gets, and what it does not get and why. */
function headerLines(
  config: Config,
  request: RawRequest,
  client: ClientAddress,
  route: CompiledRoute,
  admission: Admission,
): string[] {
  const exchange = new OpenExchange(request, client, route.info, systemClock);
  const { headers } = route.config.policies;
  if (headers !== undefined) exchange.requestEdits.push(...fieldEdits(headers.request));
  const traceContext = config.trace_context === 'pass';
  const fields = upstreamFields(exchange, { admission, traceContext });
  const sent = [['host', request.authority]];
  for (let i = 0; i < fields.length; i += 2) {
    sent.push([fields[i]!, fields[i] === 'x-request-id' ? '(made by the gateway)' : fields[i + 1]!]);
  }
  const internal = admission.listener(request).trust === 'internal';
  const dropped: string[][] = [];
  for (let i = 0; i < request.fields.length; i += 2) {
    const reason = droppedBecause(request.fields[i]!, { internal, traceContext });
    if (reason !== undefined) dropped.push([request.fields[i]!, reason]);
  }
  return [
    'headers to the upstream',
    ...columns(sent).map((line) => `  ${line}`),
    ...(dropped.length === 0 ? [] : ['headers dropped', ...columns(dropped).map((line) => `  ${line}`)]),
  ];
}
