import { PasskeysType } from '@zitadel/proto/zitadel/settings/v2/login_settings_pb.js';
import { SettingsService } from '@zitadel/proto/zitadel/settings/v2/settings_service_pb.js';
import { originOf } from '../domain.ts';
import { IDS } from '../state.ts';
import { behaving } from './behaviour.ts';
import { details, LANGUAGES, listDetails } from './details.ts';

/** The settings service: what Login v2 reads before it can draw a page. */
export const settings = behaving(SettingsService, {
  getGeneralSettings: () => ({
    defaultOrgId: IDS.organization,
    defaultLanguage: 'en',
    supportedLanguages: LANGUAGES,
  }),
  getLoginSettings: () => ({
    details: details(),
    settings: { allowUsernamePassword: true, allowRegister: true, passkeysType: PasskeysType.ALLOWED },
  }),
  getBrandingSettings: (_request, { domain }) => ({
    details: details(),
    settings: {
      lightTheme: {
        primaryColor: '#5469d4',
        backgroundColor: '#fafafa',
        warnColor: '#cd3d56',
        fontColor: '#000000',
        logoUrl: `${originOf(domain)}/assets/v1/${IDS.instance}/policy/label/logo`,
      },
    },
  }),
  getPasswordComplexitySettings: () => ({
    details: details(),
    settings: {
      minLength: 8n,
      requiresUppercase: true,
      requiresLowercase: true,
      requiresNumber: true,
      requiresSymbol: true,
    },
  }),
  getLegalAndSupportSettings: () => ({
    details: details(),
    settings: { tosLink: 'https://zitadel.com/docs/legal/terms-of-service', docsLink: 'https://zitadel.com/docs' },
  }),
  getLockoutSettings: () => ({ details: details(), settings: { maxPasswordAttempts: 0n, maxOtpAttempts: 0n } }),
  getActiveIdentityProviders: () => ({ details: listDetails(0), identityProviders: [] }),
});
