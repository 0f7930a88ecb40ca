/** Health settings as the config says them, with what the preset knows of ZITADEL and Login v2. */

import type { Config } from '../config/schema.ts';
import type { HealthSettings } from '../upstream/health/settings.ts';

/** 200 when the database answers, 412 when not; needs neither a host nor an instance. */
const ZITADEL_READY = '/debug/ready';
/** Of its own process; `/ready` beside it fails with the API, where an error page is better than none. */
const LOGIN_HEALTHY = '/ui/v2/login/healthy';

/** What holds for the upstream of this name. */
export function healthSettings(name: string, { upstreams, preset, hosts }: Config): HealthSettings {
  const { check, passive, panic_threshold_percent: panicThresholdPercent } = upstreams[name]!.health;
  const ofPreset = preset.name !== 'none';
  const zitadel = ofPreset && preset.upstream === name;
  const login = ofPreset && !zitadel && preset.login_upstream === name;
  return {
    check: {
      type: check.type ?? (zitadel || login ? 'http' : 'tcp'),
      path: check.path ?? (login ? LOGIN_HEALTHY : ZITADEL_READY),
      host: check.host ?? hosts.find((host) => !host.startsWith('*.')) ?? 'localhost',
      statuses: check.statuses,
      service: check.service,
      intervalMs: check.interval_ms,
      timeoutMs: check.timeout_ms,
      healthyAfter: check.healthy_after,
      unhealthyAfter: check.unhealthy_after,
    },
    passive: {
      consecutiveFailures: passive.consecutive_failures,
      successRate: {
        windowMs: passive.success_rate.window_ms,
        minRequests: passive.success_rate.min_requests,
        stdevFactor: passive.success_rate.stdev_factor,
      },
      ejectMs: passive.eject_ms,
      maxEjectMs: passive.max_eject_ms,
      maxEjectedPercent: passive.max_ejected_percent,
    },
    panicThresholdPercent,
  };
}
