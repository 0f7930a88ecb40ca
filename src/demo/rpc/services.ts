import { readdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type DescFile, type DescMethod, type DescService, getOption } from '@bufbuild/protobuf';
import { auth_option } from '@zitadel/proto/zitadel/options_pb.js';
import { options } from '@zitadel/proto/zitadel/protoc_gen_zitadel/v2/options_pb.js';

/**
 * How ZITADEL serves a service: `v1` by grpc-go (gRPC and gRPC-Web), `v2` by connect-go (Connect too), see
 * RegisterServer and RegisterService of ZITADEL internal/api/api.go.
 */
export type Generation = 'v1' | 'v2';

/** The services that grpc-go serves. Their REST twins have a prefix of their own. */
export const V1_PREFIXES: Readonly<Record<string, string>> = {
  'zitadel.admin.v1.AdminService': '/admin/v1',
  'zitadel.auth.v1.AuthService': '/auth/v1',
  'zitadel.management.v1.ManagementService': '/management/v1',
  'zitadel.system.v1.SystemService': '/system/v1',
};

let found: Promise<readonly DescService[]> | undefined;

/** All services of the package `@zitadel/proto`, read once per process. */
export function zitadelServices(): Promise<readonly DescService[]> {
  found ??= readServices();
  return found;
}

/** Which kind of server has the service. */
export function generationOf(service: DescService): Generation {
  return service.typeName in V1_PREFIXES || service.typeName.startsWith('grpc.health.') ? 'v1' : 'v2';
}

/** Whether a call needs a token: its method has a permission in the options of its definition. */
export function needsToken(method: DescMethod): boolean {
  return (
    getOption(method, auth_option).permission !== '' || (getOption(method, options).authOption?.permission ?? '') !== ''
  );
}

/** The status that the REST twin of a method answers when all went well. */
export function successStatus(method: DescMethod): number {
  return getOption(method, options).httpResponse?.successCode || 200;
}

/** The package has no list of its services, so its generated files are walked: those that can define one, by their name. */
async function readServices(): Promise<readonly DescService[]> {
  const root = dirname(fileURLToPath(import.meta.resolve('@zitadel/proto/zitadel/admin_pb.js')));
  const names = await readdir(root, { recursive: true });
  const files = names.filter((name) => /(?:_service|^(?:admin|auth|management|system))_pb\.js$/.test(name)).sort();
  const modules = await Promise.all(
    files.map((name) => import(pathToFileURL(join(root, name.split('/').join(sep))).href) as Promise<object>),
  );
  return modules.flatMap((module) =>
    Object.values(module)
      .filter(isFile)
      .flatMap((file) => file.services),
  );
}

function isFile(value: unknown): value is DescFile {
  return (value as { kind?: unknown } | null)?.kind === 'file';
}
