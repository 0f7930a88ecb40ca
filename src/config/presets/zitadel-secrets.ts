/**
 * The calls that check a secret, send one, or tell whether a user exists: class `session` on their RPC path and on
 * their REST twin alike, so that neither is the way round the other. From the service definitions of ZITADEL
 * (proto/zitadel/{session,user}/v2*, auth.proto); CVE-2025-64102, CVE-2023-47111 and CVE-2024-32868 say why.
 */

/** A call by RPC and by REST, below the service's prefix. */
type Twin = readonly [rpc: string, method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string];

const SESSION: readonly Twin[] = [
  ['CreateSession', 'POST', '/sessions'], // password, TOTP, OTP and passkey checks
  ['SetSession', 'PATCH', '/sessions/{id}'], // the same, later
];

const USER: readonly Twin[] = [
  ['PasswordReset', 'POST', '/users/{id}/password_reset'], // sends mail
  ['SetPassword', 'POST', '/users/{id}/password'], // checks the old one or a code
  ['VerifyEmail', 'POST', '/users/{id}/email/verify'], // checks a code
  ['ResendEmailCode', 'POST', '/users/{id}/email/resend'], // sends mail
  ['VerifyPhone', 'POST', '/users/{id}/phone/verify'], // checks a code
  ['ResendPhoneCode', 'POST', '/users/{id}/phone/resend'], // sends an SMS, which costs money
  ['VerifyTOTPRegistration', 'POST', '/users/{id}/totp/verify'], // checks a code
  ['VerifyPasskeyRegistration', 'POST', '/users/{id}/passkeys/{passkey}'], // checks a code
  ['CreatePasskeyRegistrationLink', 'POST', '/users/{id}/passkeys/registration_link'], // sends mail
  ['VerifyU2FRegistration', 'POST', '/users/{id}/u2f/{u2f}'],
  ['ListAuthenticationMethodTypes', 'GET', '/users/{id}/authentication_methods'], // tells who exists
  ['RetrieveIdentityProviderIntent', 'POST', '/idp_intents/{id}'], // gives what an identity provider told, for a token
];

const USER_V2: readonly Twin[] = [
  ['SendEmailCode', 'POST', '/users/{id}/email/send'], // sends mail
  ['CreateInviteCode', 'POST', '/users/{id}/invite_code'], // sends mail
  ['ResendInviteCode', 'POST', '/users/{id}/invite_code/resend'], // sends mail
  ['VerifyInviteCode', 'POST', '/users/{id}/invite_code/verify'], // checks a code
];

/** v1: the user's own account. */
const AUTH: readonly Twin[] = [
  ['UpdateMyPassword', 'PUT', '/users/me/password'],
  ['VerifyMyEmail', 'POST', '/users/me/email/_verify'],
  ['ResendMyEmailVerification', 'POST', '/users/me/email/_resend_verification'],
  ['VerifyMyPhone', 'POST', '/users/me/phone/_verify'],
  ['ResendMyPhoneVerification', 'POST', '/users/me/phone/_resend_verification'],
  ['VerifyMyAuthFactorOTP', 'POST', '/users/me/auth_factors/otp/_verify'],
  ['VerifyMyAuthFactorU2F', 'POST', '/users/me/auth_factors/u2f/_verify'],
  ['VerifyMyPasswordless', 'POST', '/users/me/passwordless/_verify'],
  ['AddMyPasswordlessLink', 'POST', '/users/me/passwordless/_link'],
  ['SendMyPasswordlessLink', 'POST', '/users/me/passwordless/_send_link'],
];

const SERVICES: readonly (readonly [service: string, prefix: string, twins: readonly Twin[]])[] = [
  ['zitadel.session.v2.SessionService', '/v2', SESSION],
  ['zitadel.session.v2beta.SessionService', '/v2beta', SESSION],
  ['zitadel.user.v2.UserService', '/v2', [...USER, ...USER_V2]],
  ['zitadel.user.v2beta.UserService', '/v2beta', USER],
  ['zitadel.auth.v1.AuthService', '/auth/v1', AUTH],
];

/** The RPC paths of the calls. */
export const SECRET_RPCS: readonly string[] = [
  ...SERVICES.flatMap(([service, , twins]) => twins.map(([rpc]) => `/${service}/${rpc}`)),
  // Experimental: most of its calls handle secrets, so all count.
  '/zitadel.resources.user.v3alpha.ZITADELUsers/{method}',
];

/** The REST paths of the calls that take the method. */
export function secretPaths(method: Twin[1]): readonly string[] {
  return SERVICES.flatMap(([, prefix, twins]) =>
    twins.filter((twin) => twin[1] === method).map(([, , path]) => `${prefix}${path}`),
  );
}
