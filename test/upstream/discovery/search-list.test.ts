import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Host } from '../../../src/upstream/discovery/host-addresses.ts';
import { NameError, type NameService } from '../../../src/upstream/discovery/name-service.ts';
import { candidates, parseSearchList } from '../../../src/upstream/discovery/search-list.ts';

const KUBERNETES = `# made by kubelet
nameserver 10.96.0.10
search zitadel.svc.cluster.local svc.cluster.local cluster.local
options ndots:5 timeout:1
`;

test('a short name is looked for in the domains of resolv.conf first, a long one as it is', () => {
  const list = parseSearchList(KUBERNETES);
  assert.deepEqual(list, { domains: ['zitadel.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], ndots: 5 });
  assert.deepEqual(candidates('zitadel', list).slice(0, 2), [
    'zitadel.zitadel.svc.cluster.local',
    'zitadel.svc.cluster.local',
  ]);
  assert.equal(candidates('zitadel', list).at(-1), 'zitadel');
  assert.equal(candidates('a.b.c.d.e.f', list)[0], 'a.b.c.d.e.f');
});

test('a dot at the end says that the name is full', () => {
  assert.deepEqual(candidates('zitadel.zitadel.svc.cluster.local.', parseSearchList(KUBERNETES)), [
    'zitadel.zitadel.svc.cluster.local',
  ]);
});

test('the last of search and domain counts; without either a name is taken as it is', () => {
  assert.deepEqual(parseSearchList('search a b\ndomain c. d\n').domains, ['c']);
  assert.deepEqual(parseSearchList('search .\n').domains, []);
  assert.deepEqual(candidates('zitadel', parseSearchList('nameserver 10.0.0.1')), ['zitadel']);
});

test('any text is read, and bounded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, options) => {
      const list = parseSearchList(`${text}\nsearch ${text}\noptions ${options}`);
      assert.ok(list.domains.length <= 32 && list.ndots >= 0 && list.ndots <= 15);
      assert.ok(candidates('a', list).includes('a'));
    }),
  );
});

/** Knows what it is told, and who was asked. */
function service(known: Record<string, string | NameError>): NameService & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    addresses(name) {
      asked.push(name);
      const found = known[name] ?? new NameError(`${name}: no such name`, true);
      return typeof found === 'string'
        ? Promise.resolve([{ address: found, ttlS: 5 }])
        : Promise.reject(found as NameError);
    },
    services: () => Promise.reject(new Error('not asked')),
    cancel() {},
  };
}

test('the search ends with the first name that exists, and when nobody can say whether one does', async () => {
  const list = { domains: ['one.test', 'two.test'], ndots: 1 };
  const names = service({ 'a.two.test': '10.0.0.1', a: '10.0.0.2' });
  assert.deepEqual((await new Host('a', [4]).addresses(names, list)).addresses, ['10.0.0.1']);
  assert.deepEqual(names.asked, ['a.one.test', 'a.two.test']);
  const failing = service({ 'a.one.test': new NameError('a.one.test: failed', false), a: '10.0.0.2' });
  await assert.rejects(new Host('a', [4]).addresses(failing, list), /a\.one\.test: failed/);
  assert.deepEqual(failing.asked, ['a.one.test']);
});
