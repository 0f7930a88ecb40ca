import { type Domain, originOf } from '../domain.ts';
import type { State } from '../state.ts';
import type { Visit } from '../visit.ts';

/** A certificate in form only: nothing of the stand-in is signed with it. */
const CERTIFICATE = 'MIIBszCCAVmgAwIBAgIUGl0aGVzdGFuZC1pbi1mb3ItWklUQURFTA==';

/** The SAML endpoints of ZITADEL as identity provider (zitadel/saml pkg/provider). */
export class Saml {
  readonly #state: State;
  readonly #loginV2: boolean;

  constructor(state: State, loginV2: boolean) {
    this.#state = state;
    this.#loginV2 = loginV2;
  }

  async answer(visit: Visit, domain: Domain): Promise<void> {
    switch (visit.path) {
      case '/saml/v2/metadata':
        return visit.send(200, { 'content-type': 'text/xml; charset=utf-8' }, metadata(originOf(domain)));
      case '/saml/v2/certificate':
        return visit.send(
          200,
          { 'content-type': 'application/x-pem-file' },
          `-----BEGIN CERTIFICATE-----\n${CERTIFICATE}\n-----END CERTIFICATE-----\n`,
        );
      case '/saml/v2/SSO':
        return this.#signOn(visit);
      case '/saml/v2/SLO':
        return visit.redirect('/ui/login/logout/done');
      default:
        return visit.error(404, '404 page not found');
    }
  }

  /** Both bindings (SAML 2.0 Bindings, 3.4 and 3.5): a GET with a long query, a POST with a form. */
  async #signOn(visit: Visit): Promise<void> {
    const parameters = visit.method === 'POST' ? await visit.form() : visit.query;
    if (!parameters.get('SAMLRequest')) return visit.error(400, 'failed to parse request: SAMLRequest missing');
    const id = this.#state.newId();
    visit.redirect(this.#loginV2 ? `/ui/v2/login/login?samlRequest=V2_${id}` : `/ui/login/login?authRequestID=${id}`);
  }
}

function metadata(issuer: string): string {
  const service = (name: string, path: string) =>
    ['HTTP-Redirect', 'HTTP-POST']
      .map((binding) => {
        const uri = `urn:oasis:names:tc:SAML:2.0:bindings:${binding}`;
        return `    <${name} Binding="${uri}" Location="${issuer}${path}"></${name}>`;
      })
      .join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${issuer}/saml/v2/metadata">
  <IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
      <X509Certificate>${CERTIFICATE}</X509Certificate>
    </X509Data></KeyInfo></KeyDescriptor>
${service('SingleLogoutService', '/saml/v2/SLO')}
${service('SingleSignOnService', '/saml/v2/SSO')}
  </IDPSSODescriptor>
</EntityDescriptor>
`;
}
