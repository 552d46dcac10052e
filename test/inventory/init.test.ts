import { describe, expect, it } from 'vitest';
import { checkInit, checkWords, initInventory, type InitOptions } from '../../src/inventory/init.ts';
import { loadYaml } from './load-text.ts';

describe('a first inventory', () => {
  it.each<[string, InitOptions, object]>([
    [
      'three masters',
      { name: 'lab', masters: ['10.0.0.1', '10.0.0.2', '10.0.0.3'], workers: ['10.0.0.4'], endpoint: '10.0.0.100' },
      {
        name: 'lab',
        endpoint: { address: '10.0.0.100', external: false },
        hosts: [{ name: 'm1' }, { name: 'm2' }, { name: 'm3' }, { name: 'w1', roles: ['worker'] }],
      },
    ],
    [
      'a single host',
      { name: 'one', masters: ['10.0.0.1'], workers: [] },
      { endpoint: { external: true }, hosts: [{ roles: ['master', 'etcd', 'worker'] }] },
    ],
    [
      'hosts with names',
      { name: 'n', masters: ['alpha.example.org=10.0.0.1'], workers: ['7=10.0.0.2'], user: 'ops' },
      { hosts: [{ name: 'alpha.example.org', ssh: { user: 'ops' } }, { name: '7' }] },
    ],
    [
      'names that YAML would misread',
      { name: '1e3', masters: ['true=10.0.0.1'], workers: ['null=10.0.0.2', '0x10=10.0.0.3'] },
      { name: '1e3', hosts: [{ name: 'true' }, { name: 'null' }, { name: '0x10' }] },
    ],
  ])('of %s loads', async (_, options, expected) => {
    const text = initInventory(options);
    expect(text).toMatch(/^# yaml-language-server: \$schema=/);
    expect(await loadYaml(text)).toMatchObject(expected);
  });

  it('loads with its comments switched on', async () => {
    const text = initInventory({ name: 'lab', masters: ['10.0.0.1'], workers: [] });
    await expect(
      loadYaml(text.replace(/^( *)# (?=(network|versions|identityFiles|jump):| )/gm, '$1')),
    ).resolves.toBeDefined();
  });

  it.each<[Partial<InitOptions>, string[]]>([
    [{ workers: ['10.0.0.1'] }, ['hosts[1].address: "10.0.0.1" is the address of m1 too']],
    [{ workers: ['m1=10.0.0.2'] }, ['hosts[1].name: another host is called "m1" too']],
    [{ masters: ['127.0.0.1'] }, ['hosts[0].address: "127.0.0.1" is no address at which other hosts reach it']],
    [
      { endpoint: '10.0.0.2', workers: ['10.0.0.2'] },
      ['endpoint.address: 10.0.0.2 is the address of w1; a VIP belongs to no host'],
    ],
    [
      { workers: ['10.244.0.7'] },
      ['hosts[1].address: 10.244.0.7 lies in network.podCidr 10.244.0.0/16 (its default): change one of them'],
    ],
  ])('that validate would refuse is none: %j', async (options, details) => {
    const text = initInventory({ name: 'lab', masters: ['10.0.0.1'], workers: [], ...options });
    await expect(checkInit(text)).rejects.toMatchObject({ code: 'usage', details });
  });

  it.each([
    ['10.0.0.1', false],
    ['10.0.0.100', true],
  ])('speaks of a virtual IP only where %s is one: %s', async (endpoint, isVip) => {
    const text = initInventory({ name: 'lab', masters: ['10.0.0.1'], workers: [], endpoint });
    await expect(checkInit(text)).resolves.toBeUndefined();
    expect(/virtual IP|Keepalived/i.test(text)).toBe(isVip);
  });

  it('says of the address of a host as VIP what is wrong', async () => {
    const text = initInventory({ name: 'c', masters: ['10.0.0.1', '10.0.0.2'], workers: [], endpoint: '10.0.0.1' });
    await expect(checkInit(text)).rejects.toMatchObject({ hint: expect.stringContaining('--endpoint') as string });
  });

  it.each([
    [['10.0.0.12'], '"10.0.0.12" stands where the file to write is named, and is a host'],
    [['m2=10.0.0.12', '10.0.0.13'], '"m2=10.0.0.12" stands where the file to write is named, and is a host'],
    [['lab.yaml', '10.0.0.12'], '"10.0.0.12" stands where the file to write is named, and is a host'],
  ])('takes no host for the file: %j', (words, message) => {
    const hint = 'Give the option once for each host: --master 10.0.0.11 --master 10.0.0.12';
    expect(() => checkWords(words)).toThrow(expect.objectContaining({ code: 'usage', message, hint }) as Error);
  });

  it.each([[[]], [['lab.yaml']], [['clusters/10.0.0.12.yaml']]])('takes one word for the file: %j', (words) => {
    expect(() => checkWords(words)).not.toThrow();
  });

  it.each<[Partial<InitOptions>, string]>([
    [{ masters: ['10.0.0.1,10.0.0.2'] }, 'Give the option once for each host'],
    [{ masters: ['m1=10.0.0.1=x'] }, 'Such as: --master 10.0.0.11, or --master m1=10.0.0.11'],
    [{ endpoint: 'api.example.org' }, 'external: true'],
  ])('says how to write %j', (options, hint) => {
    expect(() => initInventory({ name: 'c', masters: ['10.0.0.1'], workers: [], ...options })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(hint) as string }) as Error,
    );
  });

  it('says what to do with a host that is reached by a name', () => {
    const init = (): string => initInventory({ name: 'c', masters: ['m1=m1.example.org'], workers: [] });
    expect(init).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining('write that as its address into the file') as string,
      }) as Error,
    );
  });

  it.each<[Partial<InitOptions>, string]>([
    [{ name: 'Bad Name' }, 'the name of the cluster "Bad Name" is not lower-case letters, digits and dashes'],
    [{ masters: [] }, 'an inventory needs at least one master'],
    [{ masters: ['10.0.0.1', '10.0.0.2'] }, 'several masters need an endpoint: an unused address in their subnet'],
    [{ masters: ['m1.example.org'] }, '"m1.example.org" is neither ADDRESS nor NAME=ADDRESS with an IPv4 address'],
    [{ masters: ['a b=10.0.0.1'] }, 'the name of a host "a b" is not a DNS name in lower case'],
    [{ workers: ['api=10.0.0.2'] }, 'no host can be called "api": the API itself goes by that name'],
    [{ endpoint: '10.0.0.1\nx: y' }, 'the endpoint "10.0.0.1\uFFFDx: y" is not an IPv4 address'],
    [{ user: 'a\nb' }, 'the login name "a\uFFFDb" is not one word'],
  ])('is refused for %j', (options, message) => {
    expect(() => initInventory({ name: 'lab', masters: ['10.0.0.1'], workers: [], ...options })).toThrow(message);
  });
});
