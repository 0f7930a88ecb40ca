import { join } from 'node:path';
import type { Peer, Setup } from './peer.ts';

const TYPE = 'type.googleapis.com/envoy.extensions';

/** Envoy with one worker, HTTP/2 to the upstream, a token bucket for one path, gzip for the Console. It has no cache. */
export const envoy: Peer = {
  name: 'envoy',
  what: 'HTTP/2 to the upstream, compressor for the Console',
  needs: ['envoy'],
  config: (setup) => [{ name: 'envoy.yaml', text: envoyConfig(setup) }],
  command: ({ folder }) => [
    ...['envoy', '--config-path', join(folder, 'envoy.yaml')],
    ...['--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'],
  ],
};

function envoyConfig({ port, certificate, upstreamPort, accessLog }: Setup): string {
  const log = `          access_log:
          - name: envoy.access_loggers.stdout
            typed_config: { "@type": ${TYPE}.access_loggers.stream.v3.StdoutAccessLog }
`;
  // Filters are off but for the routes that turn them on.
  const off = (type: string): string => `{ "@type": ${type} }`;
  return `static_resources:
  listeners:
  - name: public
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": ${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_params: { tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_3 }
            tls_certificates:
            - certificate_chain: { filename: "${certificate.certificate}" }
              private_key: { filename: "${certificate.key}" }
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": ${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: public
          codec_type: AUTO
          use_remote_address: true
          normalize_path: true
          common_http_protocol_options: { idle_timeout: 3600s }
          stream_idle_timeout: 3600s
          http2_protocol_options: { max_concurrent_streams: 100 }
${accessLog ? log : ''}          http_filters:
          - name: envoy.filters.http.local_ratelimit
            typed_config:
              "@type": ${TYPE}.filters.http.local_ratelimit.v3.LocalRateLimit
              stat_prefix: device
          - name: envoy.filters.http.compressor
            typed_config:
              "@type": ${TYPE}.filters.http.compressor.v3.Compressor
              response_direction_config:
                common_config: { enabled: { default_value: false, runtime_key: none } }
              compressor_library:
                name: gzip
                typed_config: ${off(`${TYPE}.compression.gzip.compressor.v3.Gzip`)}
          - name: envoy.filters.http.router
            typed_config: ${off(`${TYPE}.filters.http.router.v3.Router`)}
          route_config:
            name: zitadel
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { path: /oauth/v2/device_authorization }
                route: { cluster: zitadel }
                typed_per_filter_config:
                  envoy.filters.http.local_ratelimit:
                    "@type": ${TYPE}.filters.http.local_ratelimit.v3.LocalRateLimit
                    stat_prefix: device
                    token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: 3600s }
                    filter_enabled: { default_value: { numerator: 100 } }
                    filter_enforced: { default_value: { numerator: 100 } }
              - match: { prefix: /ui/console/ }
                route: { cluster: zitadel }
                typed_per_filter_config:
                  envoy.filters.http.compressor:
                    "@type": ${TYPE}.filters.http.compressor.v3.CompressorPerRoute
                    overrides: { response_direction_config: {} }
              - match: { prefix: / }
                route: { cluster: zitadel, timeout: 0s }
  clusters:
  - name: zitadel
    type: STATIC
    connect_timeout: 5s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": ${TYPE}.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
    load_assignment:
      cluster_name: zitadel
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${upstreamPort} } } }
`;
}
