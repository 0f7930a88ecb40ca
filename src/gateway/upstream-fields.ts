/** The fields of an exchange's request as the upstream gets them: hygiene first, then what policies ask for. */

import type { Exchange } from '../core/exchange.ts';
import { requestFields, setField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import type { Admission } from './admission.ts';

/** What decides about fields beside the exchange. */
export interface UpstreamFieldsOptions {
  readonly admission: Admission;
  /** Whether `traceparent`, `tracestate` and `baggage` go on. */
  readonly traceContext: boolean;
}

/** Without pseudo-headers and Host; for requests and WebSocket handshakes alike. */
export function upstreamFields(exchange: Exchange, { admission, traceContext }: UpstreamFieldsOptions): Fields {
  const { raw, client, dialect, id, requestEdits } = exchange;
  const fields = requestFields({
    fields: raw.fields,
    clientAddress: client.address,
    scheme: client.scheme,
    requestId: id,
    grpc: dialect.name === 'grpc',
    internal: admission.listener(raw).trust === 'internal',
    traceContext,
  });
  const certificate = raw.connection.clientCertificate;
  if (certificate !== undefined) fields.push(...certificate.fields);
  for (const edit of requestEdits) setField(fields, edit.name, edit.value);
  return fields;
}
