import { describe, expect, it } from 'vitest';
import { apiServerGates } from '../../src/cluster/api-server.ts';
import { agreement, askEtcdHealth, askEtcdStatus, etcdGates, leaderOf } from '../../src/cluster/etcd.ts';
import type { Answer, GateCheck } from '../../src/cluster/gate.ts';
import { backendProblem, parseStat } from '../../src/cluster/haproxy.ts';
import { localRequest, parseHttp, seen } from '../../src/cluster/http.ts';
import { leaseProblem } from '../../src/cluster/leases.ts';
import { vipGates, vipHolders } from '../../src/cluster/vip.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

function answer(host: string, stdout: string, stderr = ''): Answer {
  return { host, exitCode: stdout === '' ? 1 : 0, stdout, stderr };
}

function http(host: string, body: unknown, status = 200, headers: readonly string[] = []): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return answer(host, [`HTTP/1.0 ${String(status)} X`, ...headers, '', text].join('\r\n'));
}

describe('a request from a host to itself', () => {
  it('ends its head with an empty line and counts the bytes of its body', () => {
    const { argv, stdin } = localRequest({ host: 'm1', port: 2381, path: '/x', method: 'POST', body: '{"ü":1}' });
    expect(argv.at(-1)).toBe('TCP:127.0.0.1:2381,shut-none');
    expect(stdin).toMatch(/^POST \/x HTTP\/1\.1\r\n[^]*Content-Length: 8\r\n\r\n\{"ü":1\}$/);
  });

  it('verifies the name of the server and shows a certificate', () => {
    expect(askEtcdStatus('m1').argv.at(-1)).toBe(
      'OPENSSL:127.0.0.1:2379,cafile=/etc/kubernetes/pki/etcd-ca.crt,commonname=localhost,' +
        'cert=/etc/etcd/pki/healthcheck-client.crt,key=/etc/etcd/pki/healthcheck-client.key,shut-none',
    );
  });

  it('reads status, headers and body, and nothing from what is no HTTP', () => {
    expect(parseHttp(http('m1', 'ok\n', 200, ['Date: today']))).toEqual({
      status: 200,
      headers: new Map([['date', 'today']]),
      body: 'ok\n',
    });
    expect(parseHttp(answer('m1', 'SSH-2.0-x'))).toBeUndefined();
  });

  it.each([
    [
      'an answer',
      http('m1', '[-]etcd failed\nreadyz check failed', 500),
      'HTTP 500 [-]etcd failed · readyz check failed',
    ],
    [
      'a refusal',
      answer('m1', '', '2026/11/22 12:08:38 socat[3002] E connect(5, AF=2 127.0.0.1:6443, 16): Connection refused\n'),
      'connect(5, AF=2 127.0.0.1:6443, 16): Connection refused',
    ],
    [
      'nothing but a warning',
      answer('m1', '', '2026/11/22 12:08:38 socat[3002] W OpenSSL: Warning: this implementation does not check CRLs\n'),
      'no answer',
    ],
  ])('says %s in one line', (_name, given, said) => {
    expect(seen(given)).toBe(said);
  });
});

describe('etcd', () => {
  const status = (host: string, over: Record<string, string> = {}): Answer => {
    const { cluster = '7', member = host, leader = 'm1', index = '9' } = over;
    return http(host, {
      header: { cluster_id: cluster, member_id: member, revision: '3' },
      version: '3.7.3',
      leader,
      raftIndex: index,
      raftTerm: '2',
    });
  };
  const hosts = ['m1', 'm2', 'm3'];

  it.each<[string, Answer[], RegExp | undefined]>([
    ['all agree', hosts.map((host) => status(host)), undefined],
    ['one of three is silent', [status('m1'), status('m2'), answer('m3', '')], undefined],
    [
      'two of three are silent',
      [status('m1'), answer('m2', '', 'refused'), answer('m3', '')],
      /^no status from m2, m3: refused$/,
    ],
    ['one founded a cluster of its own', [status('m1'), status('m2'), status('m3', { cluster: '8' })], /^2 clusters/],
    ['nobody leads', hosts.map((host) => status(host, { leader: '0' })), /^no leader$/],
    ['two lead', [status('m1'), status('m2'), status('m3', { leader: 'm3' })], /^members name 2 leaders/],
    ['nothing was ever written', hosts.map((host) => status(host, { index: '0' })), /raft index/],
  ])('when %s', (_name, answers, problem) => {
    const found = agreement(hosts, answers);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });

  it('tells which host leads', () => {
    expect(leaderOf([status('m1', { leader: 'm2' }), status('m2', { leader: 'm2' })])).toBe('m2');
  });

  it('asks the batch for its health and everybody that answered for the leader', async () => {
    const cluster = await labCluster();
    const facts = factsOf(cluster);
    const hosts = new Map(facts.hosts);
    hosts.delete('m3');
    const gates = etcdGates({ cluster, facts: { ...facts, hosts }, hosts: ['m2'] });
    expect(gates.map((gate) => [gate.title, gate.asks.map((ask) => ask.host)])).toEqual([
      ['etcd m2 healthy', ['m2']],
      ['etcd has one leader', ['m1', 'm2']],
    ]);
    const health = gates[0] as GateCheck;
    expect(health.check([http('m2', 'ok\n')])).toBeUndefined();
    expect(health.check([http('m2', '[+]data_corruption ok\n[-]non_learner failed: m2', 503)])).toMatch(/503.*learner/);
  });

  it('asks /readyz, which a learner and a corrupt member fail, for longer than etcd waits for a quorum', () => {
    const { argv, stdin } = askEtcdHealth('m2');
    expect(stdin).toMatch(/^GET \/readyz HTTP/);
    expect(Number(argv[argv.indexOf('-T') + 1])).toBeGreaterThan(7);
  });
});

describe('HAProxy', () => {
  const stat = (host: string, rows: readonly string[]): Answer =>
    answer(host, ['Name: HAProxy', 'Uptime: 1', '', '# pxname,svname,status,check_status', ...rows, ''].join('\n'));
  const backends = [
    'kube-api,FRONTEND,OPEN,',
    'kube-apiservers,m1,UP,L7OK',
    'kube-apiservers,m2,DOWN,L7STS',
    'kube-apiservers,BACKEND,UP,',
  ];

  it('lists servers, without frontends and totals', () => {
    expect(parseStat(stat('m1', backends)).map((row) => row.server)).toEqual(['m1', 'm2']);
  });

  it.each<[string, string, string | undefined]>([
    ['up', 'm1', undefined],
    ['down', 'm2', 'HAProxy on m3 sees m2 DOWN (L7STS)'],
    ['not there', 'm9', 'HAProxy on m3 does not know m9'],
  ])('a backend that is %s', (_name, target, problem) => {
    expect(backendProblem([stat('m3', backends)], target)).toBe(problem);
  });

  it('that does not run is told alike for all hosts', () => {
    const socat = '2026/11/22 12:08:38 socat[3002] E connect(5, AF=1 "/run/haproxy.sock", 20): Connection refused\n';
    expect(backendProblem([answer('m3', '', socat)], 'm1')).toBe(
      'HAProxy on m3 does not answer: connect(5, AF=1 "/run/haproxy.sock", 20): Connection refused',
    );
  });

  it('one that still counts its way up is not up', () => {
    expect(backendProblem([stat('m1', ['kube-apiservers,m1,DOWN 1/2,L7OK'])], 'm1')).toMatch(/DOWN 1\/2/);
  });

  it('in both backends of TLS termination', () => {
    const answers = [stat('m1', ['kube-apiservers,m1,UP,L7OK', 'kube-apiservers-identified,m1,DOWN,L7STS'])];
    expect(backendProblem(answers, 'm1')).toMatch(/DOWN/);
  });
});

describe('the VIP', () => {
  const line = '2: eth0    inet 10.77.0.100/32 scope global eth0\n';

  it.each<[string, string[], RegExp | undefined]>([
    ['one', ['', line, ''], undefined],
    ['nobody', ['', '', ''], /^no master holds 10\.77\.0\.100$/],
    ['two', [line, '', line], /^m1 and m3 hold/],
  ])('%s holds it', async (_name, texts, problem) => {
    const cluster = await labCluster();
    const [gate] = vipGates({ cluster, facts: factsOf(cluster), hosts: ['m1'] });
    const answers = texts.map((stdout, index) => ({ host: `m${String(index + 1)}`, exitCode: 0, stdout, stderr: '' }));
    const found = gate?.check(answers);
    if (problem === undefined) expect([found, vipHolders(answers)]).toEqual([undefined, ['m2']]);
    else expect(found).toMatch(problem);
  });

  it("is nobody's business with an external endpoint", async () => {
    const cluster = await labCluster('endpoint: { external: true, address: api.example.net }');
    expect(vipGates({ cluster, facts: factsOf(cluster), hosts: ['m1'] })).toEqual([]);
    expect(apiServerGates({ cluster, facts: factsOf(cluster), hosts: ['m1'] }).map((gate) => gate.title)).toEqual([
      'API server m1 ready',
    ]);
  });
});

describe('a lease', () => {
  const lease = (holder: string, age: number): Answer => {
    const now = Date.parse('2026-11-22T12:08:38Z');
    const spec = { holderIdentity: holder, renewTime: new Date(now - age * 1000).toISOString() };
    return http('m1', { spec }, 200, [`Date: ${new Date(now).toUTCString()}`]);
  };

  it.each<[string, Answer, RegExp | undefined]>([
    ['held and fresh', lease('m3_e2', 2), undefined],
    ['run out', lease('m3_e2', 20), /^m3_e2 has not renewed its lease for 20 s$/],
    ['released', lease('', 1), /^nobody holds/],
    ['not made yet', http('m1', { reason: 'NotFound' }, 404), /^HTTP 404/],
  ])('%s', (_name, given, problem) => {
    const found = leaseProblem('kube-scheduler', given);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});
