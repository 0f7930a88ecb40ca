import { action } from './action.ts';
import { address } from './address.ts';
import { bearer } from './bearer.ts';
import { clientId } from './client-id.ts';
import { cookie } from './cookie.ts';
import { form } from './form.ts';
import { header } from './header.ts';
import { host } from './host.ts';
import type { KeyPart } from './key-part.ts';
import { loginName } from './login-name.ts';
import { loginSession } from './login-session.ts';
import { message } from './message.ts';
import { organization } from './organization.ts';
import { route } from './route.ts';
import { rpc } from './rpc.ts';
import { userCode } from './user-code.ts';

/** The list of what a key may be made of. */
export const KEY_PARTS: readonly KeyPart[] = [
  action,
  address,
  bearer,
  clientId,
  cookie,
  form,
  header,
  host,
  loginName,
  loginSession,
  message,
  organization,
  route,
  rpc,
  userCode,
];
